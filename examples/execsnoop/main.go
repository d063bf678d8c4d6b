// Command execsnoop prints every program that this machine executes, live, and
// counts them by name.
//
// The C half is execsnoop.bpf.c; execsnoop_bpfel.go and execsnoop_bpfeb.go are
// what bpfgen makes of it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/bpfgen/bpfgen/runtime/link"
	"github.com/bpfgen/bpfgen/runtime/ringbuf"
	"github.com/bpfgen/bpfgen/runtime/rlimit"
)

//go:generate go run github.com/bpfgen/bpfgen/cmd/bpfgen -target bpfel,bpfeb execsnoop execsnoop.bpf.c

// options is what the command line asks for.
type options struct {
	duration time.Duration // how long to watch; 0 until interrupted
	demo     bool          // execute a few programs ourselves
	uid      int           // report this user's programs only; -1 everybody's
}

func main() {
	var opts options
	flag.DurationVar(&opts.duration, "duration", 0, "stop after this long (default: when interrupted)")
	flag.BoolVar(&opts.demo, "demo", false, "start a few programs, so that there is something to see")
	flag.IntVar(&opts.uid, "uid", -1, "report the programs of this user ID only")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, opts); err != nil {
		fmt.Fprintln(os.Stderr, "execsnoop:", err)
		os.Exit(1)
	}
}

// run loads and attaches the program, prints events until the time is up or ctx
// is done, and then the summary.
func run(ctx context.Context, out io.Writer, opts options) error {
	if opts.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, opts.duration)
		defer cancel()
	}

	objs, err := load(opts)
	if err != nil {
		return err
	}
	defer objs.Close()

	exec, err := link.AttachTracing(link.TracingOptions{Program: objs.HandleExec})
	if err != nil {
		return err
	}
	defer exec.Close()

	if opts.demo {
		go startPrograms(ctx)
	}
	if err := printEvents(ctx, out, objs.Events); err != nil {
		return err
	}
	return printSummary(out, objs)
}

// load puts the object into the kernel, configured.
func load(opts options) (*execsnoopObjects, error) {
	// Kernels before 5.11 charge BPF memory against RLIMIT_MEMLOCK.
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, err
	}
	spec, err := newExecsnoopSpecs()
	if err != nil {
		return nil, err
	}
	if opts.uid >= 0 {
		spec.FilterUid.Set(true)
		spec.TargetUid.Set(uint32(opts.uid))
	}
	return spec.Load(nil)
}

// startPrograms executes something every tenth of a second.
func startPrograms(ctx context.Context) {
	commands := [][]string{{"true"}, {"ls", "/"}, {"sh", "-c", "date; id -u"}, {"uname", "-r"}, {"true"}}
	for i := 0; ctx.Err() == nil; i++ {
		args := commands[i%len(commands)]
		_ = exec.CommandContext(ctx, args[0], args[1:]...).Run() // what it does is of no interest here
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// printEvents prints a row for each event until ctx is done.
func printEvents(ctx context.Context, out io.Writer, events ringbuf.Events[execsnoopEvent]) error {
	fmt.Fprintf(out, "%-10s %7s %7s %6s  %-16s %s\n", "TIME", "PID", "PPID", "UID", "PARENT", "PROGRAM")
	for ev, err := range events.All(ctx) {
		if err != nil {
			return err
		}
		at := time.Duration(ev.TimeNs).Truncate(time.Millisecond).Seconds()
		fmt.Fprintf(out, "%10.3f %7d %7d %6d  %-16s %s\n", at, ev.Pid, ev.Ppid, ev.Uid, ev.Parent, ev.Filename)
	}
	return nil
}
