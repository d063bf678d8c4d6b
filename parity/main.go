// Command parity loads BPF objects with libbpf, ebpf-go and bpfgen, and shows
// where they differ. It fails if a peer loads what bpfgen doesn't, or if
// something else reaches the kernel, unless a list of known differences has it.
//
//	parity [-known FILE] [-cache DIR] [-timeout D] -ours CMD [-libbpf CMD] [-ebpf-go CMD] OBJ...
//
// Each CMD is a program that takes an object file and prints a line of JSON for
// each attempt; see the type attempt. It runs in a process of its own for each
// object: a crash or a hang costs one row.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	code, err := run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "parity:", err)
		os.Exit(2)
	}
	os.Exit(code)
}

func run(ctx context.Context) (int, error) {
	var (
		ours    = flag.String("ours", "", "bpfgen's loader")
		libbpf  = flag.String("libbpf", "", "libbpf's loader")
		ebpfGo  = flag.String("ebpf-go", "", "ebpf-go's loader")
		known   = flag.String("known", "", "file with the known differences")
		cache   = flag.String("cache", "", "directory that keeps the peers' results")
		timeout = flag.Duration("timeout", time.Minute, "for one object with one loader")
		jobs    = flag.Int("jobs", 2, "objects at a time")
		verbose = flag.Bool("v", false, "show known differences, too")
	)
	flag.Parse()
	excused, err := readKnown(*known)
	if err != nil {
		return 0, err
	}
	h := harness{timeout: *timeout}
	for i, cmd := range []string{libbpfLoader: *libbpf, ebpfGoLoader: *ebpfGo, oursLoader: *ours} {
		if h.loaders[i], err = newLoader(cmd, *cache, loaderID(i) != oursLoader); err != nil {
			return 0, err
		}
	}
	rows := h.all(ctx, flag.Args(), *jobs)
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return report(os.Stdout, rows, excused, *verbose), nil
}

// all is the rows of all objects, in the order of the objects.
func (h *harness) all(ctx context.Context, objects []string, jobs int) []row {
	results := make([][]row, len(objects))
	next := make(chan int)
	var wg sync.WaitGroup
	for range jobs {
		wg.Go(func() {
			for i := range next {
				results[i] = h.compare(ctx, objects[i])
			}
		})
	}
	for i, object := range objects {
		if i%50 == 0 {
			fmt.Fprintf(os.Stderr, "parity: object %d of %d, %s\n", i+1, len(objects), filepath.Base(object))
		}
		next <- i
	}
	close(next)
	wg.Wait()
	var rows []row
	for _, r := range results {
		rows = append(rows, r...)
	}
	return rows
}
