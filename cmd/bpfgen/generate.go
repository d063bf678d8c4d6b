package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"go/token"
	"os"
	"path/filepath"

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
	req, err := opts.request(c)
	if err != nil {
		return err
	}
	current, err := upToDate(ctx, c, req)
	if err != nil {
		return err
	}
	if current {
		opts.logf(c, "all files are up to date")
		return nil
	}
	opts.logf(c, "compile %s with %s for %s", opts.source, req.Compiler.Path, opts.target)

	result, err := codegen.Generate(ctx, *req)
	var refused *codegen.CompileError
	if errors.As(err, &refused) && len(refused.Messages) > 0 {
		// The compiler knows best what to say; what bpfgen would add is noise.
		if _, err := c.stderr.Write(refused.Messages); err != nil {
			return err
		}
		return errReported
	}
	if err != nil {
		return err
	}
	if err := c.complain(result.Messages, result.Warnings); err != nil {
		return err
	}

	// The manifest last: it vouches for the others.
	changed, err := codegen.Commit(append(result.Files, result.Manifest))
	if err != nil {
		return fmt.Errorf("no file has been changed: %w", err)
	}
	for _, path := range changed {
		opts.logf(c, "wrote %s", path)
	}
	if len(changed) == 0 {
		opts.logf(c, "all files are up to date")
	}
	return nil
}

// upToDate tells whether a run would change nothing, in which case it says what
// that run would.
func upToDate(ctx context.Context, c console, req *codegen.Request) (bool, error) {
	m, err := codegen.ReadManifest(req.ManifestPath())
	if err != nil {
		return false, nil // whatever is wrong with it, it will be written anew
	}
	if m.CheckRequest(req) != "" || len(m.Check(true, c.env)) > 0 {
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

// request checks what doesn't need the compiler and collects what does.
func (o *options) request(c console) (*codegen.Request, error) {
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
	if _, err := os.Stat(o.source); err != nil {
		return nil, fmt.Errorf("source file: %w", err)
	}
	compiler, err := codegen.FindCompiler(o.cc, c.getenv("PATH"))
	if err != nil {
		return nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	return &codegen.Request{
		Ident: o.ident, Source: o.source, Package: o.goPackage,
		Dir: dir, Env: c.env, Compiler: compiler, CFlags: cflags, Targets: targets, Tags: o.tags.expr,
		KeepDWARF: o.noStrip, Types: o.types, NoGlobalTypes: o.noGlobalTypes, Untyped: o.untyped,
		OutputDir: filepath.Clean(o.outputDir), OutputStem: o.outputStem, OutputSuffix: o.outputSuffix, MakeBase: o.makebase,
	}, nil
}
