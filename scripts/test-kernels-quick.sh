#!/usr/bin/env bash
# The part of make test-kernels that every change can wait for: an old kernel,
# the newest, and a big-endian machine. Where there are no kernels or no QEMU to
# be had, it says so and succeeds: that isn't the fault of a change.
set -uo pipefail
cd "$(dirname "$0")/.."
vmtest=$(mktemp)
trap 'rm -f "$vmtest"' EXIT
${GO:-go} build -o "$vmtest" ./internal/cmd/vmtest || exit

run() {
	"$vmtest" "$@"
	local status=$?
	if [ $status = 3 ]; then
		echo "KERNEL TESTS DID NOT RUN ($*): there is no kernel or no QEMU to be had, see above" >&2
		return 0
	fi
	return $status
}

run -machines amd64/6.1,amd64/newest -suites runtime/link,runtime/perf,runtime/ringbuf,runtime/features,internal/kernel || exit
run -machines s390x/6.12 -suites runtime/btf,internal/btf,internal/elf,internal/object,internal/corerelo
