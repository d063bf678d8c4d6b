package codegen

import (
	"go/build"
	"path/filepath"
	"slices"
	"strings"
)

// locator gives files names that are the same wherever the project is: those of
// the project relative to the manifest's folder, those of modules with
// $GOMODCACHE, our own headers with $BPFGEN, those of the system as they are.
type locator struct {
	base     string // the manifest's folder
	project  string
	modCache string
	headers  string   // a folder that has our own, if they are in use
	near     []string // folders outside of the project that are where they are relative to it
}

func newLocator(base string, env []string) locator {
	l := locator{base: base, project: projectRoot(base)}
	for _, entry := range env {
		switch name, value, _ := strings.Cut(entry, "="); {
		case name == "GOMODCACHE":
			l.modCache = value
		case name == "GOPATH" && l.modCache == "":
			if list := filepath.SplitList(value); len(list) > 0 {
				l.modCache = filepath.Join(list[0], "pkg/mod")
			}
		}
	}
	if list := filepath.SplitList(build.Default.GOPATH); l.modCache == "" && len(list) > 0 {
		l.modCache = filepath.Join(list[0], "pkg/mod")
	}
	return l
}

func (req *Request) locator() locator {
	l := newLocator(req.path(req.OutputDir), req.Env)
	l.headers = req.headers
	for _, m := range req.modules {
		if !isBelow(m.root, l.modCache) {
			l.near = append(l.near, m.root) // go.mod replaces the module by a folder
		}
	}
	return l
}

const modCacheVar = "$GOMODCACHE"

// name is what to call an absolute path in a manifest.
func (l locator) name(path string) string {
	path = filepath.Clean(path)
	if rel, ok := strings.CutPrefix(path, withSlash(l.headers)); ok && l.headers != "" {
		return headersVar + "/" + rel
	}
	if rel, ok := strings.CutPrefix(path, withSlash(l.modCache)); ok && l.modCache != "" {
		return modCacheVar + "/" + rel
	}
	if !isBelow(path, l.project) && !slices.ContainsFunc(l.near, func(dir string) bool { return isBelow(path, dir) }) {
		return path
	}
	rel, err := filepath.Rel(l.base, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(rel)
}

// flag replaces the names of the project's folder and of the module cache in a
// flag, wherever they are.
func (l locator) flag(flag string) string {
	if l.modCache != "" {
		flag = strings.ReplaceAll(flag, l.modCache, modCacheVar)
	}
	return strings.ReplaceAll(flag, l.project, "$PROJECT")
}

// path is the opposite of name.
func (l locator) path(name string) string {
	if rel, ok := strings.CutPrefix(name, modCacheVar+"/"); ok {
		return filepath.Join(l.modCache, rel)
	}
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(l.base, filepath.FromSlash(name))
}

// show is a path for people: as seen from the project's root.
func (l locator) show(path string) string {
	if rel, err := filepath.Rel(l.project, path); err == nil && isBelow(path, l.project) {
		return rel
	}
	return path
}

// isSystem tells whether the manifest's name of a file is that of one which
// belongs to the machine: a header of libc, of the kernel, of clang.
func isSystem(name string) bool { return filepath.IsAbs(name) }
