package codegen

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// prefixMaps returns the options that keep absolute paths out of what clang
// writes: out of line info in .BTF.ext, whose file names are part of the
// object's bytes, and out of __FILE__.
//
// What lies in the project reads as seen from dir, where bpfgen was started.
// modules gives names to folders elsewhere; of others only the last element of
// the path remains. The system's folders are the same everywhere and stay.
func prefixMaps(dir, source string, includes []string, modules map[string]string) []string {
	project := projectRoot(dir)
	options := []string{"-fdebug-compilation-dir=."}
	mapTo := func(from, to string) {
		options = append(options, "-ffile-prefix-map="+withSlash(from)+"="+withSlash(to))
	}
	elsewhere := func(dir string) bool {
		return filepath.IsAbs(dir) && !isBelow(dir, project) && !isBelow(dir, "/usr")
	}
	// clang lets the last match win: go from outside in.
	for _, other := range append([]string{filepath.Dir(source)}, includes...) {
		if other = filepath.Clean(other); elsewhere(other) {
			mapTo(other, filepath.Base(other))
		}
	}
	for _, root := range slices.Sorted(maps.Keys(modules)) {
		if elsewhere(root) {
			mapTo(root, modules[root])
		}
	}
	for root := project; ; root = nextBelow(root, dir) {
		rel, err := filepath.Rel(dir, root)
		if err != nil {
			return options
		}
		mapTo(root, "./"+rel)
		if root == dir {
			return options
		}
	}
}

// projectRoot returns the closest folder at or above dir that holds a go.mod
// or a repository, or else dir.
func projectRoot(dir string) string {
	for root := dir; root != filepath.Dir(root); root = filepath.Dir(root) {
		for _, mark := range []string{"go.mod", ".git"} {
			if _, err := os.Stat(filepath.Join(root, mark)); err == nil {
				return root
			}
		}
	}
	return dir
}

// nextBelow returns the folder one step from root towards dir below it.
func nextBelow(root, dir string) string {
	rest := strings.TrimPrefix(strings.TrimPrefix(dir, root), "/")
	step, _, _ := strings.Cut(rest, "/")
	return filepath.Join(root, step)
}

func isBelow(path, root string) bool {
	return path == root || strings.HasPrefix(path, withSlash(root))
}

func withSlash(dir string) string {
	dir = strings.TrimSuffix(dir, "/.")
	return strings.TrimSuffix(dir, "/") + "/"
}

// hostTriple returns how the name that Debian gives this host's architecture
// starts.
func hostTriple() string {
	cpu := map[string]string{
		"386": "i386", "amd64": "x86_64", "arm": "arm", "arm64": "aarch64", "loong64": "loongarch64",
		"mips64le": "mips64el", "ppc64le": "powerpc64le", "riscv64": "riscv64", "s390x": "s390x",
	}[runtime.GOARCH]
	if cpu == "" {
		cpu = runtime.GOARCH
	}
	return cpu + "-linux-gnu"
}
