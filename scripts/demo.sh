#!/usr/bin/env bash
# The demo: C in, typed Go out, running in the kernel.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "1. bpfgen compiles examples/execsnoop/execsnoop.bpf.c and writes its Go package"
BPF2GO_CC=${CLANG:-clang} "$go" generate -x ./examples/execsnoop
ls -l examples/execsnoop/*_bpfe*

say "2. what the object declares (bpfgen inspect)"
bin/bpfgen inspect examples/execsnoop/execsnoop_bpfel.o

say "3. the program that uses it, built"
"$go" build -o bin/execsnoop ./examples/execsnoop
ls -l bin/execsnoop

say "4. the program, running: it watches for 5 seconds and starts a few programs of its own"
if [ ! -e /sys/kernel/btf/vmlinux ] || [ ! -e /proc/sys/kernel/unprivileged_bpf_disabled ]; then
	echo "This kernel lacks BPF or its type information (/sys/kernel/btf/vmlinux), so there is nothing to run here."
	echo "It needs Linux 5.8 or newer with CONFIG_BPF_SYSCALL and CONFIG_DEBUG_INFO_BTF. What was generated is complete."
	exit 0
fi
if [ "$(id -u)" = 0 ]; then
	exec bin/execsnoop -demo -duration 5s
elif command -v sudo >/dev/null; then
	echo "(loading BPF needs root: running it with sudo)"
	exec sudo bin/execsnoop -demo -duration 5s
else
	echo "Loading BPF needs root, or CAP_BPF and CAP_PERFMON, and there is no sudo here. As root, run:"
	echo "  $PWD/bin/execsnoop -demo -duration 5s"
fi
