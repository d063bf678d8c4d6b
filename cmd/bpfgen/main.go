// Command bpfgen turns BPF C into a typed Go package.
//
//	//go:generate go tool bpfgen Snoop snoop.bpf.c
//
// It compiles the C source with clang and writes, for each target, an object
// and a Go file that embeds it. Several C files are linked into one object. Run
// bpfgen -h for all flags.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
)

func main() {
	if len(os.Args) < 2 || !isSubcommand(os.Args[1]) {
		// A single directive mostly waits for clang, which runs for all targets at
		// once anyway. Threads that look for work meanwhile take more time than they
		// save: a quarter of ours.
		runtime.GOMAXPROCS(1)
	}
	os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitOK    = 0
	exitError = 1 // the work failed
	exitUsage = 2 // the command line makes no sense
)

// usageError is a mistake in the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// errReported ends a run whose error has been shown already.
var errReported = errors.New("already reported")

// console is where a command takes its environment from and writes to.
type console struct {
	env            []string
	stdout, stderr io.Writer
}

// getenv returns the last value of a variable, as the system would.
func (c console) getenv(name string) string {
	for i := len(c.env) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(c.env[i], name+"="); ok {
			return value
		}
	}
	return ""
}

// command is a subcommand. The one without a name generates.
type command struct {
	name    string
	summary string
	run     func(ctx context.Context, c console, args []string) error
}

func commands() []command {
	return []command{
		{"generate", "run all directives of packages", generateAll},
		{"verify", "is what is checked in what the sources give?", verify},
		{"inspect", "what an object declares; its instructions, types, and graph", inspect},
		{"load", "try each program on this kernel", load},
		{"report", "what an object needs to run", report},
		{"diff", "what changed between two objects", diff},
		{"vmlinux", "write vmlinux.h from a kernel's BTF", vmlinux},
		{"completion", "write a shell's completion of bpfgen's commands and flags", completion},
		{"", "generate one package from a C file", generate},
	}
}

// run is the whole program, but for the process around it.
func run(args, env []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	c := console{env, stdout, stderr}
	var err error
	for _, cmd := range commands() {
		if cmd.name == "" {
			err = cmd.run(ctx, c, args)
			break
		}
		if len(args) > 0 && args[0] == cmd.name {
			err = cmd.run(ctx, c, args[1:])
			break
		}
	}
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitError
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "bpfgen: %v\nRun bpfgen -h for usage.\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "bpfgen: %v\n", err)
		return exitError
	}
}
