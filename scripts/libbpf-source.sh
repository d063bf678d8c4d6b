#!/usr/bin/env bash
# Prints a folder with libbpf's sources, of the newest release that Debian has: for
# those who compare with it. LIBBPF names another.
set -euo pipefail
shopt -s nullglob

cache=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bpfgen-parity}
say() { printf 'libbpf: %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }
mkdir -p "$cache"
# shellcheck source=scripts/debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/debian.sh"
libbpf_tree >&2
printf '%s\n' "$libbpf"
