package codegen

import (
	"bytes"
	"context"
	"fmt"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Directive is a go:generate line that runs the generator.
type Directive struct {
	File    string // absolute
	Line    int
	Package string   // the name of the file's package
	Args    []string // of the generator, variables of go generate replaced
}

// String returns where the directive is.
func (d Directive) String() string { return fmt.Sprintf("%s:%d", d.File, d.Line) }

// FindDirectives returns the folders of the packages that match, and the
// directives in them, by file and line.
func FindDirectives(ctx context.Context, dir string, env, patterns []string) (dirs []string, directives []Directive, err error) {
	pkgs, err := packages.Load(&packages.Config{
		Context: ctx, Dir: dir, Env: env, Tests: true, Mode: packages.NeedName | packages.NeedFiles,
	}, patterns...)
	if err != nil {
		return nil, nil, fmt.Errorf("find packages: %w", err)
	}
	for _, pkg := range pkgs {
		for _, file := range slices.Concat(pkg.GoFiles, pkg.IgnoredFiles) {
			if filepath.Ext(file) == ".go" && !strings.HasSuffix(pkg.PkgPath, ".test") {
				dirs = append(dirs, filepath.Dir(file))
			}
		}
		for _, e := range pkg.Errors {
			if e.Kind == packages.ListError && len(pkg.GoFiles) == 0 {
				return nil, nil, fmt.Errorf("find packages: %s", e.Msg)
			}
		}
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return nil, nil, err
		}
		for _, file := range files {
			found, err := directivesIn(file)
			if err != nil {
				return nil, nil, err
			}
			directives = append(directives, found...)
		}
	}
	return dirs, directives, nil
}

func directivesIn(file string) ([]Directive, error) {
	source, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(source, []byte("//go:generate ")) {
		return nil, err
	}
	name := ""
	if parsed := parseGo(token.NewFileSet(), file, source); parsed != nil {
		name = parsed.Name.Name
	}
	var directives []Directive
	line := 0
	for text := range strings.Lines(string(source)) {
		line++
		command, ok := strings.CutPrefix(strings.TrimRight(text, "\r\n"), "//go:generate ")
		if !ok {
			continue
		}
		words, err := SplitFlags(command)
		if err != nil {
			continue // go generate will say so
		}
		i := slices.IndexFunc(words, isGenerator)
		if i < 0 {
			continue
		}
		d := Directive{File: file, Line: line, Package: name, Args: words[i+1:]}
		for i, arg := range d.Args {
			d.Args[i] = os.Expand(arg, d.variable)
		}
		directives = append(directives, d)
	}
	return directives, nil
}

// isGenerator recognises bpfgen, ./bin/bpfgen and
// github.com/bpfgen/bpfgen/cmd/bpfgen@latest.
func isGenerator(word string) bool {
	word, _, _ = strings.Cut(word, "@")
	return path.Base(word) == "bpfgen"
}

func (d Directive) variable(name string) string {
	switch name {
	case "GOFILE":
		return filepath.Base(d.File)
	case "GOPACKAGE":
		return d.Package
	case "DOLLAR":
		return "$"
	}
	return os.Getenv(name)
}

// Env returns what go generate sets for the directive.
func (d Directive) Env() []string {
	return []string{"GOFILE=" + filepath.Base(d.File), "GOPACKAGE=" + d.Package}
}

// Manifests returns the manifests in a folder.
func Manifests(dir string) ([]string, error) {
	return filepath.Glob(filepath.Join(dir, "*"+ManifestExt))
}
