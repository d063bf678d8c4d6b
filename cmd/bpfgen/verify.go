package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/bpfgen/bpfgen/internal/codegen"
)

const verifyUsage = `Usage: bpfgen verify [-rebuild] [packages]

Tells whether what is checked in is what the sources give: by the manifests
that each run leaves beside its output, without a compiler. Prints a line for
each file that isn't, with what has changed, and ends with 1 if there is one.
Packages are named as for go build; the default is ./...

Headers of the system aren't compared: other machines have others.

  -rebuild
    	compile everything again, and compare the bytes

Example:

	bpfgen verify ./...
`

// verify compares generated files with what they were generated from.
func verify(ctx context.Context, c console, args []string) error {
	fs := flag.NewFlagSet("bpfgen verify", flag.ContinueOnError)
	rebuild := fs.Bool("rebuild", false, "compile again and compare bytes")
	if done, err := c.parse(fs, args, verifyUsage); done || err != nil {
		return err
	}
	tasks, orphans, err := c.findTasks(ctx, fs.Args())
	if err != nil {
		return err
	}
	var stale []codegen.Stale
	for _, task := range tasks {
		found, err := task.verify(ctx, *rebuild)
		if err != nil {
			return fmt.Errorf("%s: %w", task.directive, err)
		}
		stale = append(stale, found...)
	}
	for _, path := range orphans {
		m, err := codegen.ReadManifest(path)
		if err != nil {
			stale = append(stale, codegen.Stale{Output: path, Cause: "it can't be read"})
			continue
		}
		stale = append(stale, m.Check(false, c.env)...)
	}
	stale = append(stale, checkRuntimes(tasks, c.env)...)
	for _, s := range stale {
		fmt.Fprintf(c.stdout, "%s: %s\n", c.show(s.Output), s.Cause)
	}
	if len(stale) > 0 {
		return errReported
	}
	return nil
}

// checkRuntimes looks at each module once.
func checkRuntimes(tasks []task, env []string) (stale []codegen.Stale) {
	for _, t := range tasks {
		if s, wrong := codegen.CheckRuntime(t.req.Dir, env); wrong && !slices.Contains(stale, s) {
			stale = append(stale, s)
		}
	}
	return stale
}

// task is a directive, understood.
type task struct {
	directive codegen.Directive
	opts      *options
	req       *codegen.Request
	console   console // with the directive's environment
}

// findTasks returns what the directives of packages ask for, and the manifests
// that belong to none of them.
func (c console) findTasks(ctx context.Context, patterns []string) (tasks []task, orphans []string, err error) {
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, nil, err
	}
	dirs, directives, err := codegen.FindDirectives(ctx, dir, c.env, patterns)
	if err != nil {
		return nil, nil, err
	}
	var known []string
	for _, d := range directives {
		if len(d.Args) > 0 && isSubcommand(d.Args[0]) {
			continue
		}
		t := task{directive: d, console: console{env: append(slices.Clone(c.env), d.Env()...), stdout: c.stdout, stderr: c.stderr}}
		if t.opts, err = parseOptions(t.console, d.Args); err == nil {
			t.req, err = t.opts.request(t.console, filepath.Dir(d.File))
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", d, err)
		}
		tasks = append(tasks, t)
		known = append(known, t.req.ManifestPath())
	}
	for _, dir := range dirs {
		manifests, err := codegen.Manifests(dir)
		if err != nil {
			return nil, nil, err
		}
		for _, path := range manifests {
			if !slices.Contains(known, path) {
				orphans = append(orphans, path)
			}
		}
	}
	return tasks, orphans, nil
}

func isSubcommand(name string) bool {
	return name != "" && slices.ContainsFunc(commands(), func(cmd command) bool { return cmd.name == name })
}

func (t task) verify(ctx context.Context, rebuild bool) ([]codegen.Stale, error) {
	m, err := codegen.ReadManifest(t.req.ManifestPath())
	if err != nil {
		return []codegen.Stale{{Output: t.req.ManifestPath(), Cause: t.console.show(t.directive.String()) + " has not been run by this version: run go generate"}}, nil
	}
	if err := t.req.ResolveModules(ctx); err != nil {
		return nil, err
	}
	if change := m.CheckRequest(t.req); change != "" {
		return m.Blame(t.console.show(t.directive.String()) + ": " + change), nil
	}
	stale := m.Check(false, t.console.env)
	if len(stale) > 0 || !rebuild {
		return stale, nil
	}
	return t.rebuild(ctx, m)
}

// rebuild generates again, in memory.
func (t task) rebuild(ctx context.Context, m *codegen.Manifest) (stale []codegen.Stale, err error) {
	if err := t.opts.findCompiler(t.console, t.req); err != nil {
		return nil, err
	}
	compiler, err := t.req.Compiler.Identity(ctx, t.req.Env)
	if err != nil {
		return nil, err
	}
	result, err := codegen.Generate(ctx, *t.req)
	if err != nil {
		return nil, err
	}
	for _, file := range result.Files {
		old, err := os.ReadFile(file.Path)
		if err != nil {
			return nil, err
		}
		switch {
		case bytes.Equal(old, file.Data):
		case compiler != m.Compiler:
			stale = append(stale, codegen.Stale{Output: file.Path, Cause: fmt.Sprintf("the compiler differs: it is from %s, this is %s", m.Compiler, compiler)})
		default:
			stale = append(stale, codegen.Stale{Output: file.Path, Cause: "the same compiler gives other bytes: a header of the system has changed, or bpfgen has"})
		}
	}
	return stale, nil
}

// show is a path as seen from here, if that is shorter.
func (c console) show(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(dir, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}
