package codegen

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// CheckRuntime compares the runtime that the module around dir requires with what
// this generator generates. It finds nothing wrong with a runtime that it can't
// read: the module cache may not have it yet.
func CheckRuntime(dir string, env []string) (stale Stale, wrong bool) {
	root := projectRoot(dir)
	path := filepath.Join(root, "go.mod")
	data, err := os.ReadFile(path)
	if err != nil {
		return Stale{}, false
	}
	mod, err := modfile.Parse(path, data, nil)
	if err != nil {
		return Stale{path, err.Error()}, true
	}
	source, version, err := runtimeFolder(root, mod, newLocator(root, env).modCache)
	if err != nil {
		return Stale{path, err.Error()}, true
	}
	if source == "" {
		return Stale{}, false
	}
	supported, err := hasContract(source)
	if err != nil || supported {
		return Stale{}, false
	}
	return Stale{path, fmt.Sprintf("it requires %s %s, whose runtime doesn't support code of this generator: go get %[1]s@latest, or generate with the required one, by go tool bpfgen", modulePath, version)}, true
}

// runtimeFolder returns where the sources of the runtime that a module requires
// are, or would be, and its version as go.mod has it.
func runtimeFolder(root string, mod *modfile.File, modCache string) (folder, version string, err error) {
	const sub = "runtime"
	if mod.Module != nil && mod.Module.Mod.Path == modulePath {
		return filepath.Join(root, sub), "", nil
	}
	if vendored := filepath.Join(root, "vendor", filepath.FromSlash(runtimePath)); isFolder(vendored) {
		return vendored, "(vendored)", nil
	}
	i := slices.IndexFunc(mod.Require, func(r *modfile.Require) bool { return r.Mod.Path == modulePath })
	if i < 0 {
		return "", "", nil // in a workspace, or the compiler will say so
	}
	selected := mod.Require[i].Mod
	version = selected.Version
	for _, r := range mod.Replace {
		if r.Old.Path != modulePath || r.Old.Version != "" && r.Old.Version != version {
			continue
		}
		if r.New.Version == "" { // a folder
			if !filepath.IsAbs(r.New.Path) {
				return filepath.Join(root, r.New.Path, sub), version, nil
			}
			return filepath.Join(r.New.Path, sub), version, nil
		}
		selected = r.New
	}
	escaped, err := module.EscapePath(selected.Path)
	if err != nil {
		return "", "", fmt.Errorf("go.mod: %w", err)
	}
	escapedVersion, err := module.EscapeVersion(selected.Version)
	if err != nil {
		return "", "", fmt.Errorf("go.mod: %w", err)
	}
	return filepath.Join(modCache, filepath.FromSlash(escaped)+"@"+escapedVersion, sub), version, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// hasContract tells whether the package in a folder declares the constant that
// generated code refers to. The error wraps fs.ErrNotExist if there is no folder.
func hasContract(folder string) (bool, error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return false, err
	}
	if len(files) == 0 {
		return false, fs.ErrNotExist
	}
	var errs error
	for _, file := range files {
		if filepath.Ext(file.Name()) != ".go" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, file.Name()))
		errs = errors.Join(errs, err)
		if !bytes.Contains(data, []byte(contractName())) {
			continue
		}
		d := newDeclared()
		d.addSource(file.Name(), data)
		if d.names[contractName()] != "" {
			return true, nil
		}
	}
	return false, errs
}
