// Command egress meters what the processes of a cgroup send: packets, bytes and
// a histogram of packet sizes.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/link"
	"github.com/bpfgen/bpfgen/runtime/rlimit"
)

//go:generate go run github.com/bpfgen/bpfgen/cmd/bpfgen -target bpfel,bpfeb egress egress.bpf.c

func main() {
	cgroup := flag.String("cgroup", "/sys/fs/cgroup", "cgroup v2 directory to meter")
	maxLen := flag.Uint("max-len", 0, "refuse packets longer than this many bytes (0: none)")
	duration := flag.Duration("duration", 0, "stop after this long (default: when interrupted)")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *duration > 0 {
		ctx, stop = context.WithTimeout(ctx, *duration)
		defer stop()
	}
	if err := run(ctx, os.Stdout, *cgroup, uint32(*maxLen)); err != nil {
		fmt.Fprintln(os.Stderr, "egress:", err)
		os.Exit(1)
	}
}

// run meters the cgroup until ctx is done and prints what it saw.
func run(ctx context.Context, out io.Writer, cgroup string, maxLen uint32) error {
	// Kernels before 5.11 charge BPF memory against RLIMIT_MEMLOCK.
	if err := rlimit.RemoveMemlock(); err != nil {
		return err
	}
	spec, err := newEgressSpecs()
	if err != nil {
		return err
	}
	spec.MaxLen.Set(maxLen)
	objs, err := spec.Load(nil)
	if err != nil {
		return err
	}
	defer objs.Close()

	meter, err := link.AttachCgroup(link.CgroupOptions{
		Path:    cgroup,
		Attach:  ebpf.AttachCGroupInetEgress,
		Program: objs.Meter,
	})
	if err != nil {
		return err
	}
	defer meter.Close()

	fmt.Fprintln(out, "metering", cgroup)
	<-ctx.Done()
	printMeter(out, objs)
	return nil
}

func printMeter(out io.Writer, objs *egressObjects) {
	sizes := objs.Sizes.Get()
	fmt.Fprintf(out, "%d packets, %d bytes, %d refused\n", objs.Packets.Get(), objs.Bytes.Get(), objs.Refused.Get())
	most := slices.Max(sizes[:])
	for slot, n := range sizes {
		if n > 0 {
			bar := strings.Repeat("█", max(1, int(n*50/most)))
			fmt.Fprintf(out, "%6d … %6d bytes %8d %s\n", 1<<slot, 1<<(slot+1)-1, n, bar)
		}
	}
}
