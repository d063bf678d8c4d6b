#!/usr/bin/env bash
# Loads the kernel's BPF selftests with libbpf, ebpf-go and bpfgen, and shows
# where they differ (see parity/README.md). Everything that is fetched or built
# stays in a cache; the selftests are GPL and never part of this repository.
#
#   scripts/parity.sh [OBJ...]     with arguments, those objects instead
#
# CLANG   compiler of the selftests (clang-19)
# LIBBPF  source tree of libbpf to compare with; default: Debian's newest
# CACHE   where things are kept (~/.cache/bpfgen-parity)
# PARITYFLAGS  more flags for the comparison, such as "-v -timeout 2m"
set -euo pipefail
shopt -s nullglob

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bpfgen-parity}
clang=${CLANG:-clang-19}
go=${GO:-go}
package=linux-source-6.12

say() { printf 'parity: %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

mkdir -p "$cache"

# shellcheck source=scripts/debian.sh
source "$root/scripts/debian.sh"

# fetch_deb PACKAGE FILE-PATTERN DIR: unpacks a package of the system's suites,
# or else of sid.
fetch_deb() {
  local dl
  dl=$(mktemp -d "$cache/dl.XXXXXX")
  say "fetching $1"
  (cd "$dl" && chmod 755 . && { apt-get -qq download "$1" 2>/dev/null ||
    { private_apt sid && apt-get "${apt_opts[@]}" download "$1"; }; }) || die "can't fetch $1"
  mkdir -p "$2" && dpkg-deb -x "$dl"/*.deb "$2"
  rm -rf "$dl"
}

# kernel_tree: the parts of the kernel's sources that the selftests include.
kernel_tree() {
  tree=$cache/linux
  [[ -e $tree/done ]] && return
  local tar=/usr/src/$package.tar.xz
  if [[ ! -e $tar ]]; then
    fetch_deb "$package" "$cache/deb"
    tar=$cache/deb/usr/src/$package.tar.xz
  fi
  say "unpacking the selftests"
  mkdir -p "$tree"
  tar -xJf "$tar" -C "$tree" --strip-components=1 --wildcards \
    '*/tools/testing/selftests/bpf/*' '*/tools/include/*' '*/tools/lib/bpf/*' \
    '*/include/uapi/*' '*/scripts/bpf_doc.py'
  mkdir -p "$tree/generated/bpf"
  ln -sf "$tree"/tools/lib/bpf/*.h "$tree/generated/bpf/"
  "$tree/scripts/bpf_doc.py" --header --file "$tree/tools/include/uapi/linux/bpf.h" \
    >"$tree/generated/bpf/bpf_helper_defs.h"
  rm -rf "$cache/deb"
  touch "$tree/done"
}

# kernel_types: vmlinux.h of the running kernel.
kernel_types() {
  objects=$cache/objects-$(uname -r)-$("$clang" -dumpversion)
  mkdir -p "$objects/include"
  [[ -s $objects/include/vmlinux.h ]] && return
  local bpftool
  bpftool=$(PATH=$PATH:/usr/sbin command -v bpftool) || {
    [[ -x $cache/bpftool/usr/sbin/bpftool ]] || fetch_deb bpftool "$cache/bpftool"
    bpftool=$cache/bpftool/usr/sbin/bpftool
  }
  "$bpftool" btf dump file /sys/kernel/btf/vmlinux format c >"$objects/include/vmlinux.h.new" ||
    die "$bpftool can't write vmlinux.h"
  mv "$objects/include/vmlinux.h"{.new,}
}

# compile_selftests: what doesn't compile against this kernel leaves a .log.
compile_selftests() {
  kernel_tree
  kernel_types
  local selftests=$tree/tools/testing/selftests
  (cd "$selftests/bpf" && for source in progs/*.c; do
    name=$(basename "$source" .c)
    [[ -e $objects/$name.o || -e $objects/$name.log ]] || printf '%s\n' "$name"
  done) >"$objects/todo"
  [[ -s $objects/todo ]] && say "compiling $(wc -l <"$objects/todo") of the selftests into $objects"
  export clang objects selftests tree
  # shellcheck disable=SC2016  # for the shell of xargs
  (cd "$selftests/bpf" && xargs -r -P "$(nproc)" -I{} bash -c '
    "$clang" -O2 -g -target bpfel -mcpu=v3 -std=gnu11 -w -D__TARGET_ARCH_x86 -DENABLE_ATOMICS_TESTS \
      -I"$objects/include" -Iprogs -I. -I"$tree/generated" -I"$tree/tools/include/uapi" -I"$tree/tools/include" \
      -I"$selftests" -idirafter "/usr/include/$(gcc -print-multiarch)" \
      -c "progs/{}.c" -o "$objects/{}.o.new" 2>"$objects/{}.err" &&
      mv "$objects/{}.o.new" "$objects/{}.o" && rm "$objects/{}.err" || mv "$objects/{}.err" "$objects/{}.log"
  ' <"$objects/todo")
  local failed=("$objects"/*.log)
  ((${#failed[@]})) && say "${#failed[@]} don't compile against this kernel: $(basename -s .log -a "${failed[@]}" | tr '\n' ' ')"
  files=("$objects"/*.o)
}

# build_loaders: the programs that load objects, and the one that compares.
build_loaders() {
  bin=$cache/bin
  mkdir -p "$bin"
  libbpf_tree
  local src=$libbpf
  [[ -d $libbpf/src ]] && src=$libbpf/src
  local build
  build=$cache/libbpf-build/$(printf '%s' "$(realpath "$libbpf")" | sha256sum | head -c 12)
  mkdir -p "$build"
  make -s -C "$src" BUILD_STATIC_ONLY=1 OBJDIR="$build" DESTDIR="$build/root" LIBDIR=/usr/lib all install_headers >"$build/log" 2>&1 ||
    { tail "$build/log" >&2; die "can't build libbpf in $src (needs libelf-dev, zlib1g-dev, pkg-config)"; }
  gcc -O2 -Wall -o "$bin/libbpf-load" "$root/parity/libbpf/main.c" -I"$build/root/usr/include" "$build/libbpf.a" -lelf -lz
  "$go" -C "$root/parity" build -o "$bin/ebpf-go-load" ./ebpf-go
  "$go" -C "$root/parity" build -o "$bin/parity" .
  "$go" -C "$root" build -o "$bin/loadobj" ./internal/cmd/loadobj
}

((EUID == 0)) || die "loading BPF takes root"
command -v "$clang" >/dev/null || die "no $clang: apt-get install clang-19, or set CLANG"
build_loaders
files=("$@")
(($#)) || compile_selftests
mkdir -p "$cache/results"
say "comparing ${#files[@]} objects"
# shellcheck disable=SC2086  # flags are words
exec nice "$bin/parity" -known "$root/parity/known.txt" -cache "$cache/results" ${PARITYFLAGS:-} \
  -ours "$bin/loadobj -programs -loaded" -libbpf "$bin/libbpf-load" -ebpf-go "$bin/ebpf-go-load" "${files[@]}"
