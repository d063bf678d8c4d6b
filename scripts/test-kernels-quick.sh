#!/usr/bin/env bash
# The part of make test-kernels that every change can wait for: an old kernel,
# the newest, and what depends on byte order on a big-endian machine. Two
# machines run at a time. Where there are no kernels or no QEMU to be had, it says
# so and succeeds: that isn't the fault of a change. Arguments are for vmtest.
set -uo pipefail
cd "$(dirname "$0")/.."
vmtest=$(mktemp)
trap 'rm -f "$vmtest"' EXIT
${GO:-go} build -o "$vmtest" ./internal/cmd/vmtest || exit

run() {
	"$vmtest" -P 1 "$@"
	local status=$?
	if [ $status = 3 ]; then
		echo "KERNEL TESTS DID NOT RUN ($*): there is no kernel or no QEMU to be had, see above" >&2
		return 0
	fi
	return $status
}

kernel=runtime,runtime/link,runtime/perf,runtime/features,internal/kernel
bytes=runtime:maps,runtime/asm,runtime/btf,internal/btf,internal/elf,internal/object

run -machines s390x/6.12 -suites $bytes "$@" &
big=$!
run -machines amd64/newest,amd64/6.1 -suites $kernel "$@"
little=$?
wait $big && [ $little = 0 ]
