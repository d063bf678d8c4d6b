// Command snoop prints programs that are executed, and counts them and the packets
// of the loopback interface: the typed API in one page.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"

	"github.com/bpfgen/bpfgen/runtime/link"
	"github.com/bpfgen/bpfgen/runtime/rlimit"
)

//go:generate go run github.com/bpfgen/bpfgen/cmd/bpfgen Snoop snoop.bpf.c

func main() {
	pid := flag.Uint("pid", 0, "only what this process executes (0: every one)")
	duration := flag.Duration("duration", 0, "stop after this long (default: when interrupted)")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *duration > 0 {
		ctx, stop = context.WithTimeout(ctx, *duration)
		defer stop()
	}
	if err := run(ctx, os.Stdout, uint32(*pid)); err != nil {
		fmt.Fprintln(os.Stderr, "snoop:", err)
		os.Exit(1)
	}
}

// run prints events until ctx is done, and then what was counted.
func run(ctx context.Context, out io.Writer, pid uint32) error {
	// Kernels before 5.11 charge BPF memory against RLIMIT_MEMLOCK.
	if err := rlimit.RemoveMemlock(); err != nil {
		return err
	}
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	spec, err := NewSnoopSpecs()
	if err != nil {
		return err
	}
	spec.TargetPid.Set(pid)
	spec.Events.MaxEntries = 1 << 22

	objs, err := spec.Load(nil)
	if err != nil {
		return err
	}
	defer objs.Close()

	links, err := objs.Attach(SnoopAttach{
		CountPackets: link.XDPOptions{Interface: lo.Index},
	})
	if err != nil {
		return err
	}
	defer links.Close()

	for ev, err := range objs.Events.All(ctx) {
		if err != nil {
			return err
		}
		fmt.Fprintln(out, ev.Pid, ev.Comm)
	}
	var failed error
	for pid, n := range objs.Execs.Entries(&failed) {
		fmt.Fprintf(out, "process %d: %d\n", pid, n)
	}
	fmt.Fprintln(out, objs.Dropped.Get(), "events dropped")
	return failed
}
