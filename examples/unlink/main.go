// Command unlink counts the files that are deleted, and tells which of several
// alternatives this kernel takes for that, and why not the others.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/bpfgen/bpfgen/runtime/rlimit"
)

//go:generate go run github.com/bpfgen/bpfgen/cmd/bpfgen unlink unlink.bpf.c

func main() {
	print := flag.Bool("print", false, "also print to trace_pipe")
	duration := flag.Duration("duration", time.Hour, "stop after this long, or when interrupted")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *duration)
	defer cancel()
	if err := run(ctx, os.Stdout, *print); err != nil {
		fmt.Fprintln(os.Stderr, "unlink:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, print bool) error {
	// Kernels before 5.11 charge BPF memory against RLIMIT_MEMLOCK.
	if err := rlimit.RemoveMemlock(); err != nil {
		return err
	}
	spec, err := newUnlinkSpecs()
	if err != nil {
		return err
	}
	spec.Print.Optional = !print // SEC("?…"): only on demand

	objs, err := spec.Load(nil)
	if err != nil {
		return err
	}
	defer objs.Close()
	links, err := objs.Attach()
	if err != nil {
		return err
	}
	defer links.Close()

	fmt.Fprint(out, objs.Report())
	<-ctx.Done()
	fmt.Fprintln(out, objs.Deleted.Get(), "files deleted")
	return nil
}
