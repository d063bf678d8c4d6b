package codegen

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// compileJob is one run of clang.
type compileJob struct {
	compiler Compiler
	target   Target
	source   string   // as the user wrote it, so that clang's messages say the same
	flags    []string // the user's
	dir      string   // the absolute directory that source and flags are relative to
	env      []string
	modules  map[string]string // the paths of modules with headers, by their folders
	output   string            // what the compiler writes, without extension
}

// compiled is what a run of clang left behind.
type compiled struct {
	object   []byte
	deps     []byte // what was read, in make's syntax
	messages []byte // what clang wrote to stderr, unchanged
}

// CompileError says that the compiler refused the source. Messages is what it
// had to say, unchanged.
type CompileError struct {
	Source   string
	Target   string
	Compiler string
	Messages []byte
	Err      error
}

// Error names source, target and compiler. The reasons are in Messages.
func (e *CompileError) Error() string {
	return fmt.Sprintf("compile %s for %s: %s: %v", e.Source, e.Target, e.Compiler, e.Err)
}

// Unwrap returns how the compiler ended, often an *exec.ExitError.
func (e *CompileError) Unwrap() error { return e.Err }

// compile runs clang and returns what it wrote.
func (j compileJob) compile(ctx context.Context) (_ compiled, err error) {
	object, depfile := j.output+".o", j.output+".d"
	args := append(j.args(object), "-MD", "-MP", "-MF", depfile)

	var messages bytes.Buffer
	cmd := exec.CommandContext(ctx, j.compiler.Path, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = j.dir, j.env, &messages
	if err := cmd.Run(); err != nil {
		return compiled{}, &CompileError{
			Source: j.source, Target: j.target.Suffix(), Compiler: filepath.Base(j.compiler.Path),
			Messages: messages.Bytes(), Err: err,
		}
	}

	out := compiled{messages: messages.Bytes()}
	if out.object, err = os.ReadFile(object); err != nil {
		return compiled{}, fmt.Errorf("the compiler succeeded without writing an object: %w", err)
	}
	if out.deps, err = os.ReadFile(depfile); err != nil {
		return compiled{}, fmt.Errorf("the compiler succeeded without writing dependencies: %w", err)
	}
	return out, nil
}

// args returns the command line. The user's flags stand between those they may
// override and those that everything after this step relies on.
func (j compileJob) args(object string) []string {
	return append(j.commonArgs(),
		"-Wunused-command-line-argument",
		"-g",        // BTF is made from debug information
		"-gdwarf-4", // debug/dwarf reads version 5 of little endian machines only
		"-c", j.source, "-o", object,
	)
}

// commonArgs returns what all runs of the compiler have in common.
func (j compileJob) commonArgs() []string {
	args := slices.Clone(j.compiler.Args)
	args = append(args,
		"-O2",        // the verifier rejects most unoptimised code
		"-mcpu=v3",   // instead of whatever the building kernel has; kernels since 5.1 run v3
		"-fno-ident", // the compiler's version is no part of the program
	)
	if dir, ok := multiarchInclude(); ok {
		args = append(args, "-idirafter", dir) // Debian keeps <asm/types.h> where target bpf doesn't look
	}
	args = append(args, j.flags...)
	if macro := j.target.Macro(); macro != "" {
		args = append(args, "-D__TARGET_ARCH_"+macro)
	} else {
		args = append(args, "-D__BPF_TARGET_MISSING="+strconv.Quote(targetMissing))
	}
	args = append(args, prefixMaps(j.dir, j.source, j.includeDirs(), j.modules)...)
	return append(args, "-target", j.target.Clang())
}

// targetMissing is what <bpf/bpf_tracing.h> runs as a pragma when a macro needs
// to know the architecture and nothing says which.
const targetMissing = `GCC error "this needs an architecture's registers: use bpfgen -target with a GOARCH instead of bpf, bpfel or bpfeb"`

// includeDirs returns the folders named by the user's flags and environment in
// which clang looks for headers.
func (j compileJob) includeDirs() []string {
	var dirs []string
	flags := slices.Concat(j.compiler.Args, j.flags)
	eachInclude(flags, func(_ int, _, dir string) { dirs = append(dirs, strings.TrimPrefix(dir, "=")) })
	for _, entry := range j.env {
		name, value, _ := strings.Cut(entry, "=")
		if name == "CPATH" || name == "C_INCLUDE_PATH" {
			dirs = append(dirs, filepath.SplitList(value)...)
		}
	}
	return dirs
}

// multiarchInclude returns Debian's folder of headers that differ by
// architecture, if this host has one.
func multiarchInclude() (string, bool) {
	dir := "/usr/include/" + hostTriple()
	if _, err := os.Lstat(dir); err == nil {
		return dir, true
	}
	dirs, err := filepath.Glob(dir + "*") // arm-linux-gnueabihf
	if err != nil || len(dirs) == 0 {
		return "", false
	}
	return dirs[0], true
}
