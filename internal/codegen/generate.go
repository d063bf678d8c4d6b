package codegen

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/build"
	"go/build/constraint"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/module"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// Request is one run of the generator.
type Request struct {
	Ident   string   // start of all generated names
	Sources []string // C files, or objects to link with theirs; absolute or relative to Dir
	Package string   // of the generated code

	Dir      string // absolute: where relative paths start
	Env      []string
	Compiler Compiler
	CFlags   []string
	Targets  []Target
	Tags     constraint.Expr // added to each target's build constraint; may be nil

	OwnHeaders    bool // take <bpf/…> from bpfgen even if the system has them
	KeepDWARF     bool // of a single source; there is none in what is linked
	Types         []TypeRequest
	Events        []EventRequest
	Consts        []string           // patterns of #defines to export
	MinKernel     uapi.KernelVersion // refuse what needs a newer one; zero is none
	Untyped       bool               // plain *ebpf.Map and *ebpf.Variable fields, as bpf2go has them
	NoGlobalTypes bool               // don't declare the types of map keys, map values and variables

	OutputDir    string // absolute or relative to Dir
	OutputStem   string // start of file names; by default Ident in lower case
	OutputSuffix string // end of file names, before the extension
	MakeBase     string // if not empty, also write make dependencies, relative to this folder

	modules map[string]moduleDir // by import path, set by ResolveModules
	inputs  *inputs              // set by Generate
	printer *printer             // set by Generate
	headers string               // a folder that has our own, set by Generate
	scratch string               // a folder for what the compiler writes, set by Generate
}

// Result is what a run of the generator wants to write, and to say.
type Result struct {
	Files    []File
	Messages []byte   // of the compiler, for all targets, each once
	Warnings []string // about what Go can't express, each once
	Manifest File     // what was read and written, to be committed with Files
}

// Generate does everything but writing: the result is complete in memory.
//
// If the compiler refuses the source, the error is a [*CompileError].
func Generate(ctx context.Context, req Request) (_ *Result, err error) {
	names, err := topNames(req.Ident)
	if err != nil {
		return nil, err
	}
	if req.Untyped {
		names = names.untyped()
	}
	if err := req.checkFileNames(); err != nil {
		return nil, err
	}
	if req.modules == nil {
		if err := req.ResolveModules(ctx); err != nil {
			return nil, err
		}
	}

	headers, done, err := unpackHeaders()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	req.headers, req.inputs, req.printer = headers, new(inputs), new(printer)

	compiler, err := req.Compiler.Identity(ctx, req.Env)
	if err != nil {
		return nil, err
	}
	scratch, began, err := scratchFolder()
	if err != nil {
		return nil, fmt.Errorf("folder for the compiler's output: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	req.scratch = scratch
	possible := req.possiblyDeclared()
	outputs := make([]targetOutput, len(req.Targets))
	var wg sync.WaitGroup
	for i, target := range req.Targets {
		wg.Go(func() { outputs[i] = req.generateTarget(ctx, names, possible, target) })
	}
	wg.Wait()
	result, err := merge(outputs)
	if err != nil {
		return nil, err
	}
	for _, source := range req.Sources {
		if req.isInGoPackage(source) {
			result.Warnings = append(result.Warnings, source+": go build refuses C files beside Go files: make //go:build ignore its first line")
		}
	}
	var deps, declares []string
	for _, out := range outputs {
		deps, declares = append(deps, out.deps...), append(declares, out.declares...)
	}
	m, err := req.manifest(compiler, deps, declares, began, result)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	result.Manifest = File{m.Path, m.Marshal()}
	return result, nil
}

// scratchFolder makes a folder for a run, so that nothing is touched that exists.
// It is as old as the run: the file system's clock is the one to compare with.
func scratchFolder() (dir string, began fs.FileInfo, err error) {
	if dir, err = os.MkdirTemp("", "bpfgen"); err != nil {
		return "", nil, err
	}
	if began, err = os.Stat(dir); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, began, nil
}

func (req *Request) stem() string { return cmp.Or(req.OutputStem, strings.ToLower(req.Ident)) }

// isInGoPackage tells whether the go command would take a C source for a part of
// the generated package, which it only allows with cgo.
func (req *Request) isInGoPackage(source string) bool {
	dir, name := filepath.Split(req.path(source))
	if filepath.Clean(dir) != filepath.Clean(req.path(req.OutputDir)) {
		return false
	}
	match, err := build.Default.MatchFile(dir, name)
	return err == nil && match // clang could read it: an error would be about Go
}

// checkFileNames refuses names that go:embed couldn't name.
func (req *Request) checkFileNames() error {
	for _, part := range []struct{ option, value string }{{"-output-stem", req.stem()}, {"-output-suffix", req.OutputSuffix}} {
		if strings.ContainsAny(part.value, `/\`) {
			return fmt.Errorf("%s %q must be part of a file name, without separators: use -output-dir for the folder", part.option, part.value)
		}
	}
	for _, target := range req.Targets {
		if err := module.CheckFilePath(req.fileName(target, ".o")); err != nil {
			return fmt.Errorf("file names made of -output-stem %q and -output-suffix %q: %w", req.stem(), req.OutputSuffix, err)
		}
	}
	return nil
}

func (req *Request) fileName(target Target, extension string) string {
	return req.stem() + "_" + target.Suffix() + req.OutputSuffix + extension
}

func (req *Request) path(elem string) string {
	if filepath.IsAbs(elem) {
		return elem
	}
	return filepath.Join(req.Dir, elem)
}

// targetOutput is what one target contributes.
type targetOutput struct {
	files    []File
	messages []byte
	warnings []string
	deps     []string // absolute paths of what clang read
	declares []string // what the Go file declares
	err      error
}

func (req *Request) generateTarget(ctx context.Context, names TopNames, possible declared, target Target) (out targetOutput) {
	b, err := req.build(ctx, target)
	if err != nil {
		return targetOutput{err: err}
	}
	out.messages = b.messages
	if out.deps, err = depInputs(b.deps, req.Dir); err != nil {
		return targetOutput{err: err}
	}
	consts, constWarnings, err := req.constants(ctx, b.jobs, out.deps, b.loose)
	if err != nil {
		return targetOutput{err: err}
	}
	own, err := req.ownTypes(ctx, target)
	if err != nil {
		return targetOutput{err: err}
	}
	for _, o := range own {
		out.deps = append(out.deps, o.files...)
	}
	code, warnings, err := req.goFile(b.object, target, modelOptions{
		names: names, source: req.sources(), types: req.Types, events: req.Events, own: own, target: target, globalTypes: !req.NoGlobalTypes,
		beside: req.neighbours(ctx, possible, target), consts: consts, minKernel: req.MinKernel,
	})
	if err = errors.Join(err, ctx.Err()); err != nil {
		return targetOutput{err: err}
	}
	out.declares = code.names
	out.warnings = slices.Concat(b.warnings, constWarnings, warnings)

	goPath := filepath.Join(req.path(req.OutputDir), req.fileName(target, ".go"))
	objectPath := filepath.Join(req.path(req.OutputDir), req.fileName(target, ".o"))
	out.files = []File{{objectPath, b.object}, {goPath, code.text}}
	if req.MakeBase != "" {
		deps, err := makeDepFile(b.deps, req.Dir, req.path(req.MakeBase), goPath)
		if err != nil {
			return targetOutput{err: err}
		}
		out.files = append(out.files, File{goPath + ".d", deps})
	}
	return out
}

// goFile returns the Go code for an object.
func (req *Request) goFile(data []byte, target Target, opts modelOptions) (goCode, []string, error) {
	obj, err := object.Parse(data)
	if err != nil {
		return goCode{}, nil, fmt.Errorf("read the object of %s for %s: %w", req.sources(), target.Suffix(), err)
	}
	m, warnings, err := buildModel(obj, opts)
	if err != nil {
		return goCode{}, nil, err
	}
	m.Package, m.ObjectFile = req.Package, req.fileName(target, ".o")
	if expr := and(target.Constraint(), req.Tags); expr != nil {
		m.Constraint = expr.String()
	}
	code, err := req.printer.print(m)
	return code, warnings, err
}

func and(x, y constraint.Expr) constraint.Expr {
	switch {
	case x == nil:
		return y
	case y == nil:
		return x
	}
	return &constraint.AndExpr{X: x, Y: y}
}

// merge joins what targets have in common: they mostly complain about the same.
func merge(outputs []targetOutput) (*Result, error) {
	var (
		result   Result
		failure  *CompileError
		messages [][]byte
		errs     []error
	)
	say := func(message []byte) {
		if !slices.ContainsFunc(messages, func(m []byte) bool { return bytes.Equal(m, message) }) {
			messages = append(messages, message)
		}
	}
	for _, out := range outputs {
		var refused *CompileError
		switch {
		case errors.As(out.err, &refused):
			failure = cmp.Or(failure, refused)
			say(refused.Messages)
			continue
		case out.err != nil:
			errs = append(errs, out.err)
			continue
		}
		say(out.messages)
		result.Files = append(result.Files, out.files...)
		for _, warning := range out.warnings {
			if !slices.Contains(result.Warnings, warning) {
				result.Warnings = append(result.Warnings, warning)
			}
		}
	}
	result.Messages = bytes.Join(messages, nil)
	if failure != nil {
		all := *failure
		all.Messages = result.Messages
		return nil, &all
	}
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return &result, nil
}
