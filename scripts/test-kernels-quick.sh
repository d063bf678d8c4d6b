#!/usr/bin/env bash
# The part of make test-kernels that every change can wait for: an old kernel,
# the newest, and what depends on byte order on a big-endian machine. Two
# machines run at a time. Where there are no kernels or no QEMU to be had, it says
# so, last, and succeeds: that isn't the fault of a change. Arguments are for vmtest.
set -uo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
vmtest=$scratch/vmtest
${GO:-go} build -o "$vmtest" ./internal/cmd/vmtest || exit

run() {
	"$vmtest" -P 1 "$@"
	local status=$?
	if [ $status = 3 ]; then
		echo "$*" >>"$scratch/not-run"
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
wait $big
big=$?
if [ -e "$scratch/not-run" ]; then
	echo "KERNEL TESTS DID NOT RUN: there is no kernel or no QEMU to be had, for the reasons above. Missing are:" >&2
	sed 's/^/  vmtest /' "$scratch/not-run" >&2
fi
[ $big = 0 ] && [ $little = 0 ]
