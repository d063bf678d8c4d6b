// Command congestion gives the kernel a TCP congestion control, under a name of
// the user's choice, until it is interrupted.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/bpfgen/bpfgen/runtime/rlimit"
)

//go:generate go run github.com/bpfgen/bpfgen/cmd/bpfgen Congestion congestion.bpf.c

func main() {
	name := flag.String("name", "greedy", "what TCP_CONGESTION and sysctl net.ipv4.tcp_congestion_control shall call it")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *name); err != nil {
		fmt.Fprintln(os.Stderr, "congestion:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, name string) error {
	// Kernels before 5.11 charge BPF memory against RLIMIT_MEMLOCK.
	if err := rlimit.RemoveMemlock(); err != nil {
		return err
	}
	spec, err := NewCongestionSpecs()
	if err != nil {
		return err
	}
	// Members of the struct are fields, those with programs as well.
	var text CongestionChars16
	text.SetString(name)
	spec.Greedy.Name.Set(text)
	spec.Greedy.Init.Set(spec.Count)

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

	fmt.Fprintln(out, spec.Greedy.Name.Get(), "is there")
	<-ctx.Done()
	fmt.Fprintln(out, objs.Connections.Get(), "connections")
	return nil
}
