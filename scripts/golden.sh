#!/usr/bin/env bash
# Rewrites every golden file, by running the tests that compare with one: those
# whose function calls testutil.Golden, or whole packages if a function of theirs
# does it for several tests.
set -euo pipefail
cd "$(dirname "$0")/.."
grep -rl 'testutil\.Golden(' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r dir; do
	tests=$(awk '/^func /{name=$2; sub(/\(.*/, "", name)} /testutil\.Golden\(/{print name}' "$dir"/*_test.go | sort -u)
	run=$(paste -sd'|' <<<"$tests")
	grep -qv '^Test' <<<"$tests" && run=.
	"${GO:-go}" test "$dir" -run "^($run)$" -update
done
