package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"github.com/bpfgen/bpfgen/internal/codegen"
)

// generate compiles a C source and writes the Go code for it.
func generate(ctx context.Context, c console, args []string) error {
	opts, err := parseOptions(c, args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	req, err := opts.request(c, dir)
	if err != nil {
		return err
	}
	_, err = opts.generate(ctx, c, req)
	return err
}

// generate does what req asks, if that would change anything. It returns how
// many files it has written.
func (o *options) generate(ctx context.Context, c console, req *codegen.Request) (written int, err error) {
	if err := o.findCompiler(c, req); err != nil {
		return 0, err
	}
	if err := req.ResolveModules(ctx); err != nil {
		return 0, err
	}
	current, err := upToDate(ctx, c, req)
	if err != nil {
		return 0, err
	}
	if current {
		o.logf(c, "all files are up to date")
		return 0, nil
	}
	o.logf(c, "compile %s with %s for %s", strings.Join(o.sources, ", "), req.Compiler.Path, o.target)

	result, err := codegen.Generate(ctx, *req)
	var refused *codegen.CompileError
	if errors.As(err, &refused) && len(refused.Messages) > 0 {
		// The compiler knows best what to say; what bpfgen would add is noise.
		if _, err := c.stderr.Write(refused.Messages); err != nil {
			return 0, err
		}
		if hint := refused.Hint(); hint != "" {
			fmt.Fprintf(c.stderr, "bpfgen: %s\n", hint)
		}
		return 0, errReported
	}
	if err != nil {
		return 0, err
	}
	if err := c.complain(result.Messages, result.Warnings); err != nil {
		return 0, err
	}

	// The manifest last: it vouches for the others.
	changed, err := codegen.Commit(append(result.Files, result.Manifest))
	if err != nil {
		return 0, fmt.Errorf("no file has been changed: %w", err)
	}
	for _, path := range changed {
		o.logf(c, "wrote %s", path)
	}
	if len(changed) == 0 {
		o.logf(c, "all files are up to date")
	}
	return len(changed), nil
}

// upToDate tells whether a run would change nothing, in which case it says what
// that run would.
func upToDate(ctx context.Context, c console, req *codegen.Request) (bool, error) {
	m, err := codegen.ReadManifest(req.ManifestPath())
	if err != nil {
		return false, nil // whatever is wrong with it, it will be written anew
	}
	if m.Interrupted() || m.CheckRequest(req) != "" || len(m.Check(true, c.env)) > 0 {
		return false, nil
	}
	compiler, err := req.Compiler.Identity(ctx, req.Env)
	if err != nil || compiler != m.Compiler {
		return false, err
	}
	return true, c.complain(m.Messages, m.Warnings)
}

// complain passes on what the compiler says, and what the generator does.
func (c console) complain(messages []byte, warnings []string) error {
	if _, err := c.stderr.Write(messages); err != nil {
		return err
	}
	for _, warning := range warnings {
		fmt.Fprintf(c.stderr, "bpfgen: warning: %s\n", warning)
	}
	return nil
}

func (o *options) logf(c console, format string, args ...any) {
	if o.verbose {
		fmt.Fprintf(c.stdout, format+"\n", args...)
	}
}

// request checks what doesn't need the compiler and collects what does, for a
// run in the folder dir.
func (o *options) request(c console, dir string) (*codegen.Request, error) {
	if o.goPackage == "" {
		return nil, usagef("the package of the output is unknown: run bpfgen by go generate, or set -go-package or GOPACKAGE")
	}
	if !token.IsIdentifier(o.goPackage) {
		return nil, usagef("package name %q is no Go identifier", o.goPackage)
	}
	if err := codegen.CheckIdent(o.ident); err != nil {
		return nil, usageError{err}
	}
	cflags, err := o.compilerFlags()
	if err != nil {
		return nil, err
	}
	targets, err := codegen.ParseTargets(o.target)
	if err != nil {
		return nil, usageError{err}
	}
	return &codegen.Request{
		Ident: o.ident, Sources: o.sources, Package: o.goPackage,
		Dir: dir, Env: c.env, CFlags: cflags, Targets: targets, Tags: o.tags.expr,
		OwnHeaders: o.ownHeaders, KeepDWARF: o.noStrip, Types: o.types, Events: o.events, Consts: o.consts, NoGlobalTypes: o.noGlobalTypes, Untyped: o.untyped, MinKernel: o.minKernel.KernelVersion,
		OutputDir: filepath.Clean(o.outputDir), OutputStem: o.outputStem, OutputSuffix: o.outputSuffix, MakeBase: o.makebase,
	}, nil
}

// findCompiler completes a request whose sources are there.
func (o *options) findCompiler(c console, req *codegen.Request) (err error) {
	for _, source := range o.sources {
		if !filepath.IsAbs(source) {
			source = filepath.Join(req.Dir, source)
		}
		if _, err := os.Stat(source); err != nil {
			return fmt.Errorf("source file: %w", err)
		}
	}
	req.Compiler, err = codegen.FindCompiler(o.cc, c.getenv("PATH"))
	return err
}
