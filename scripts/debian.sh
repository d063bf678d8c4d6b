# What scripts fetch from Debian, for others to source. They set cache, where things
# are kept, and have the functions say and die.

mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

# private_apt SUITE makes apt_opts: an apt that knows only that suite, and that
# touches nothing of the system's.
private_apt() {
  local dir=$cache/apt/$1
  apt_opts=(-qq -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State="$dir" -o Dir::State::Lists="$dir/lists" -o Dir::State::status="$dir/status"
    -o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root)
  [[ -e $dir/done ]] && return
  mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
  touch "$dir/status"
  printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
    deb "$mirror" "$1" deb-src "$mirror" "$1" >"$dir/sources.list"
  apt-get "${apt_opts[@]}" update && touch "$dir/done"
}

# libbpf_tree sets libbpf: its sources, of the newest release that Debian has, or
# what LIBBPF says.
libbpf_tree() {
  libbpf=${LIBBPF:-}
  [[ -n $libbpf ]] && return
  local found=("$cache"/libbpf-src/libbpf-*/)
  if ((!${#found[@]})); then
    private_apt sid || die "can't reach Debian: set LIBBPF to a source tree of libbpf"
    say "fetching libbpf's sources"
    mkdir -p "$cache/libbpf-src"
    (cd "$cache/libbpf-src" && apt-get "${apt_opts[@]}" source --download-only libbpf &&
      for archive in *.orig.tar.*; do
        name=${archive%%.orig.*}
        mkdir -p "libbpf-${name#*_}.new" && tar -xf "$archive" -C "libbpf-${name#*_}.new" --strip-components=1 &&
          mv "libbpf-${name#*_}"{.new,}
      done)
    found=("$cache"/libbpf-src/libbpf-*/)
    ((${#found[@]})) || die "can't fetch libbpf: set LIBBPF to a source tree"
  fi
  libbpf=${found[-1]%/}
}
