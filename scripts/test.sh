#!/usr/bin/env bash
# Runs go test through gotestsum, whose last lines are the skipped tests, each
# with its reason, the failures, and the count. Allocation counts are judged
# first and without the race detector, which allocates.
set -uo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT

bin/gotestsum --format pkgname-and-test-fails --format-hide-empty-pkg -- -count=1 -run Alloc ./... || exit

# Faults of system calls are tests of another build, here one way a call.
bin/gotestsum --format pkgname-and-test-fails --format-hide-empty-pkg -- -count=1 -tags faults -short -run Fault ./runtime/... || exit

bin/gotestsum --format pkgname-and-test-fails --format-hide-empty-pkg --jsonfile "$log" -- -count=1 -timeout 30m "$@"
status=$?

skipped=$(grep -c '"Action":"skip","Package":"[^"]*","Test"' "$log")
if [ "$skipped" = 0 ]; then
	echo "skipped: nothing"
else
	echo "skipped: $skipped; each with its reason under \"=== Skipped\" above"
fi
exit $status
