// Command xdpcount counts the packets that arrive at an interface, by IP
// protocol, and prints the totals once a second.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"time"

	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/link"
	"github.com/bpfgen/bpfgen/runtime/rlimit"
)

//go:generate go run github.com/bpfgen/bpfgen/cmd/bpfgen -target bpfel,bpfeb xdpcount xdpcount.bpf.c

func main() {
	iface := flag.String("iface", "lo", "interface to count at")
	duration := flag.Duration("duration", 0, "stop after this long (default: when interrupted)")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *duration > 0 {
		ctx, stop = context.WithTimeout(ctx, *duration)
		defer stop()
	}
	if err := run(ctx, os.Stdout, *iface, time.Second); err != nil {
		fmt.Fprintln(os.Stderr, "xdpcount:", err)
		os.Exit(1)
	}
}

// run attaches the program to the interface and prints the counts at each
// interval, and once more when ctx is done.
func run(ctx context.Context, out io.Writer, iface string, interval time.Duration) error {
	dev, err := net.InterfaceByName(iface)
	if err != nil {
		return fmt.Errorf("interface %s: %w", iface, err)
	}
	// Kernels before 5.11 charge BPF memory against RLIMIT_MEMLOCK.
	if err := rlimit.RemoveMemlock(); err != nil {
		return err
	}
	var objs xdpcountObjects
	if err := loadXdpcountObjects(&objs, nil); err != nil {
		return err
	}
	defer objs.Close()

	xdp, err := link.AttachXDP(link.XDPOptions{Program: objs.CountPackets, Interface: dev.Index})
	if err != nil {
		return err
	}
	defer xdp.Close()

	fmt.Fprintln(out, "counting packets of", iface)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return print(out, objs.ByProtocol)
		case <-tick.C:
			if err := print(out, objs.ByProtocol); err != nil {
				return err
			}
		}
	}
}

// print writes a row for each protocol that was seen, its counts summed over
// the CPUs.
func print(out io.Writer, byProtocol ebpf.PerCPUArrayMap[uint32, xdpcountTraffic]) error {
	var failed error
	for protocol, perCPU := range byProtocol.Entries(&failed) {
		var sum xdpcountTraffic
		for _, t := range perCPU {
			sum.Packets += t.Packets
			sum.Bytes += t.Bytes
		}
		if sum.Packets > 0 {
			fmt.Fprintf(out, "%-9s %10d packets %12d bytes\n", protocolName(protocol), sum.Packets, sum.Bytes)
		}
	}
	return failed
}

func protocolName(protocol uint32) string {
	names := map[uint32]string{1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 255: "other"}
	if name, ok := names[protocol]; ok {
		return name
	}
	return fmt.Sprintf("proto %d", protocol)
}
