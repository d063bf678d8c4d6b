#!/usr/bin/env bash
# Installs what generating and testing need and this machine lacks: a clang that
# compiles for BPF and the headers that BPF C includes. By apt-get where there is
# one; elsewhere it names what to install. Silent when nothing is missing.
set -euo pipefail

packages=()
probe() { command -v clang-19 >/dev/null || command -v clang >/dev/null; }
probe || packages+=(clang-19)
[ -e /usr/include/bpf/bpf_helpers.h ] || packages+=(libbpf-dev)
[ -e /usr/include/linux/bpf.h ] || packages+=(linux-libc-dev)
((${#packages[@]})) || exit 0

if ! command -v apt-get >/dev/null; then
	echo "missing: ${packages[*]} (Debian's names). Install clang and libbpf's headers with this system's package manager:" >&2
	echo "  Fedora: dnf install clang libbpf-devel   Arch: pacman -S clang libbpf   Alpine: apk add clang libbpf-dev linux-headers" >&2
	exit 1
fi

sudo=()
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "missing: ${packages[*]}. Installing them needs root: run apt-get install ${packages[*]}" >&2
		exit 1
	fi
	sudo=(sudo)
fi
echo "installing ${packages[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300)
install() {
	# A source of somebody else's that can't be read is no reason to give up.
	"${apt[@]}" update || echo "apt-get update failed; trying to install all the same"
	"${apt[@]}" install -y --no-install-recommends "$@"
}
if ! install "${packages[@]}" >"$log" 2>&1; then
	# A distribution without clang-19 has some other clang; that one will do.
	if ! install "${packages[@]/clang-19/clang}" >"$log" 2>&1; then
		cat "$log" >&2
		echo "could not install ${packages[*]}" >&2
		exit 1
	fi
fi
