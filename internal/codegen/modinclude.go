package codegen

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// modPrefix starts an include folder that is named by import path.
const modPrefix = "mod:"

// moduleDir is a folder of a module.
type moduleDir struct {
	path    string // of the module
	version string // and its path, as go.mod has them: "example.com/x v1.2.3"
	root    string // of the module, absolute
	dir     string // absolute
}

// includeOptions are the options of clang that take a folder of headers.
func includeOptions() []string { return []string{"-I", "-isystem", "-iquote", "-idirafter"} }

// eachInclude calls visit for the folder of each include option among flags,
// with its index in flags and the option if it is in the same word.
func eachInclude(flags []string, visit func(i int, option, dir string)) {
	for i, flag := range flags {
		for _, option := range includeOptions() {
			dir, ok := strings.CutPrefix(flag, option)
			switch {
			case ok && dir == "" && i+1 < len(flags):
				visit(i+1, "", flags[i+1])
			case ok && dir != "":
				visit(i, option, dir)
			}
		}
	}
}

// ResolveModules finds the include folders that flags name by import path, such
// as -I mod:example.com/x/headers, by the module graph of the folder that the
// generator runs in. It asks the go command, once, and only if there are any.
func (req *Request) ResolveModules(ctx context.Context) error {
	req.modules = map[string]moduleDir{}
	var paths []string
	eachInclude(req.CFlags, func(_ int, _, dir string) {
		if importPath, ok := strings.CutPrefix(dir, modPrefix); ok {
			paths = append(paths, importPath)
		}
	})
	if len(paths) == 0 {
		return nil
	}
	for _, importPath := range paths {
		if err := module.CheckImportPath(importPath); err != nil {
			return fmt.Errorf("-I %s%s: %w", modPrefix, importPath, err)
		}
	}
	modules, err := req.listModules(ctx, paths)
	if err != nil {
		return fmt.Errorf("-I %s%s: %w", modPrefix, paths[0], err)
	}
	for _, importPath := range paths {
		if req.modules[importPath], err = req.moduleDir(ctx, importPath, modules); err != nil {
			return fmt.Errorf("-I %s%s: %w", modPrefix, importPath, err)
		}
	}
	return nil
}

// goModule is what go list -m says of a module.
type goModule struct {
	Path, Version, Dir string
	Replace            *goModule
	Error              *struct{ Err string }
}

// String is how a manifest names it: the same on every machine.
func (m *goModule) String() string {
	text := strings.TrimSpace(m.Path + " " + m.Version)
	if m.Replace != nil {
		text += " => " + strings.TrimSpace(m.Replace.Path+" "+m.Replace.Version)
	}
	return text
}

// listModules looks up all modules that could have one of the packages: those
// whose path is one of its parents.
func (req *Request) listModules(ctx context.Context, importPaths []string) ([]*goModule, error) {
	var candidates []string
	for _, p := range importPaths {
		for ; p != "."; p = path.Dir(p) {
			candidates = append(candidates, p)
		}
	}
	slices.Sort(candidates)
	out, err := req.goCommand(ctx, append([]string{"list", "-m", "-e", "-json"}, slices.Compact(candidates)...)...)
	if err != nil {
		return nil, err
	}
	var modules []*goModule
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		m := new(goModule)
		switch err := decoder.Decode(m); {
		case errors.Is(err, io.EOF):
			return modules, nil
		case err != nil:
			return nil, fmt.Errorf("go list -m: %w", err)
		}
		if m.Error == nil {
			modules = append(modules, m)
		}
	}
}

// moduleDir finds the folder of a package in the modules, the one with the
// longest path first, as the go command does.
func (req *Request) moduleDir(ctx context.Context, importPath string, modules []*goModule) (moduleDir, error) {
	modules = slices.Clone(modules)
	slices.SortFunc(modules, func(a, b *goModule) int { return len(b.Path) - len(a.Path) })
	var reason error
	for _, m := range modules {
		if !isBelow(importPath, m.Path) {
			continue
		}
		root, err := req.moduleRoot(ctx, m, importPath)
		if err == nil {
			dir := filepath.Join(root, filepath.FromSlash(strings.TrimPrefix(importPath, m.Path)))
			if info, err := os.Stat(dir); err == nil && info.IsDir() {
				return moduleDir{m.Path, m.String(), root, dir}, nil
			}
			err = fmt.Errorf("module %s has no folder %s", m, strings.TrimPrefix(importPath, m.Path+"/"))
		}
		reason = errors.Join(reason, err)
	}
	if reason == nil {
		reason = fmt.Errorf("no module that go.mod requires has it: go get %s", importPath)
	}
	return moduleDir{}, reason
}

// moduleRoot returns where a module's files are. With a vendor folder these are
// only the packages that something imports.
func (req *Request) moduleRoot(ctx context.Context, m *goModule, importPath string) (string, error) {
	if m.Dir != "" {
		return m.Dir, nil
	}
	if vendor, ok := vendorFolder(req.Dir); ok {
		if _, err := os.Stat(filepath.Join(vendor, filepath.FromSlash(importPath))); err != nil {
			return "", fmt.Errorf("the vendor folder doesn't have it: go mod vendor only copies packages that Go files import (import _ %q where the headers have a Go file beside them), or set GOFLAGS=-mod=mod", importPath)
		}
		return filepath.Join(vendor, filepath.FromSlash(m.Path)), nil
	}
	out, err := req.goCommand(ctx, "mod", "download", "-json", m.Path)
	if err != nil {
		return "", err
	}
	var downloaded goModule
	if err := json.Unmarshal(out, &downloaded); err != nil || downloaded.Dir == "" {
		return "", errors.Join(fmt.Errorf("go mod download %s gives no folder", m.Path), err)
	}
	return downloaded.Dir, nil
}

// vendorFolder returns the vendor folder that is in use in dir.
func vendorFolder(dir string) (string, bool) {
	for ; ; dir = filepath.Dir(dir) {
		vendor := filepath.Join(dir, "vendor")
		if _, err := os.Stat(filepath.Join(vendor, "modules.txt")); err == nil {
			return vendor, true
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
	}
}

// goCommand runs the go command where the generator runs.
func (req *Request) goCommand(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	var stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stderr = req.Dir, req.Env, &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args[:min(len(args), 2)], " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// compilerFlags is what clang is told: the user's flags, with folders for import
// paths.
func (req *Request) compilerFlags() []string {
	flags := slices.Clone(req.CFlags)
	eachInclude(req.CFlags, func(i int, option, dir string) {
		if found, ok := req.modules[strings.TrimPrefix(dir, modPrefix)]; ok && strings.HasPrefix(dir, modPrefix) {
			flags[i] = option + found.dir
		}
	})
	return flags
}

// moduleRoots returns the paths of modules by their folders. Our own headers are
// something like a module.
func (req *Request) moduleRoots() map[string]string {
	paths := map[string]string{}
	if req.headers != "" {
		paths[req.headers] = "bpfgen"
	}
	for _, m := range req.modules {
		paths[m.root] = m.path
	}
	return paths
}

// moduleSettings are the modules that import paths led to, as lines.
func (req *Request) moduleSettings() []string {
	var lines []string
	for _, m := range req.modules {
		lines = append(lines, "module "+m.version)
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}
