package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/bpfgen/bpfgen/internal/codegen"
	"github.com/bpfgen/bpfgen/internal/object"
)

// findObjects returns the object files that an argument stands for: itself, or,
// if it is a folder or an import path, those that bpfgen generated in that
// package. Of several targets of the same sources it is the one closest to
// this machine.
func (c console) findObjects(ctx context.Context, arg string) ([]string, error) {
	info, err := os.Stat(arg)
	switch {
	case err == nil && !info.IsDir():
		return []string{arg}, nil
	case errors.Is(err, fs.ErrNotExist) && !strings.HasSuffix(arg, ".o"):
		if arg, err = c.packageDir(ctx, arg); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	}
	found, err := filepath.Glob(filepath.Join(arg, "*.o"))
	if err != nil {
		return nil, err
	}
	objects := closestTargets(found)
	if len(objects) == 0 {
		return nil, fmt.Errorf("%s has no object files that bpfgen generated: run go generate there", arg)
	}
	return objects, nil
}

func (c console) packageDir(ctx context.Context, path string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "--", path)
	cmd.Env = c.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s is no file, and no package: %s", path, strings.TrimSpace(stderr.String()+" ("+err.Error()+")"))
	}
	return strings.TrimSpace(string(out)), nil
}

var generatedObject = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(.+?)_((?:[a-z0-9]+_)?bpf(?:e[lb])?)\.o$`)
})

// closestTargets keeps one file of each stem: for this machine's architecture,
// else of its byte order, else the first.
func closestTargets(files []string) []string {
	native := hostSuffixes()
	best := make(map[string]string)
	rank := make(map[string]int)
	for _, file := range files {
		match := generatedObject().FindStringSubmatch(file)
		if match == nil {
			continue
		}
		stem, suffix := match[1], match[2]
		r := slices.Index(native, suffix)
		if r < 0 {
			r = len(native)
		}
		if old, ok := rank[stem]; !ok || r < old {
			best[stem], rank[stem] = file, r
		}
	}
	var objects []string
	for _, file := range best {
		objects = append(objects, file)
	}
	slices.Sort(objects)
	return objects
}

// hostSuffixes are the ends of the names of objects that this machine can load,
// best first.
func hostSuffixes() []string {
	targets, err := codegen.ParseTargets("native")
	if err != nil {
		return nil // an architecture that nothing is generated for
	}
	return []string{targets[0].Suffix(), targets[0].Clang()}
}

// readObject parses an object file.
func readObject(file string) (*object.Object, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	obj, err := object.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return obj, nil
}
