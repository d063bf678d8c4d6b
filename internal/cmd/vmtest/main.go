//go:build linux

// Command vmtest runs this module's tests on the kernels of Debian, in virtual
// machines: see the table of machines. It fetches the kernels, and QEMU if the
// system has none that is new enough, by apt into a cache, builds the tests
// statically, and boots each kernel with nothing but them.
//
//	vmtest [-P 2] [-machines amd64/6.1,s390x/6.12] [-suites runtime,runtime/link] [-run REGEXP] [-count N] [-table FILE] [-logs DIR [-kept]]
//
// The exit status is 0 if all tests passed, 1 if some failed, 2 for wrong usage,
// 3 if there is no kernel or QEMU to be had, and 4 if a machine failed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bpfgen/bpfgen/internal/cmd/vmtest/protocol"
)

// Exit statuses.
const (
	exitFailed    = 1
	exitUsage     = 2
	exitNothing   = 3
	exitMachinery = 4
)

type options struct {
	parallel int
	machines string
	suites   string
	run      string
	table    string
	logs     string
	cache    string
	timeout  int
	count    int
	prepare  bool
	kept     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(run(ctx))
}

func run(ctx context.Context) int {
	o := &options{}
	cacheHome, _ := os.UserCacheDir()
	flag.IntVar(&o.parallel, "P", 2, "machines at a time, one core each")
	flag.StringVar(&o.machines, "machines", "", "machines, by comma, of "+fmt.Sprint(machines)+"; all if empty")
	flag.StringVar(&o.suites, "suites", "", "packages such as runtime/link, or runtime/link:faults, by comma; all if empty")
	flag.StringVar(&o.run, "run", "", "tests, as for go test")
	flag.StringVar(&o.table, "table", "", "write what was found to this file")
	flag.StringVar(&o.logs, "logs", "", "keep the logs of tests and consoles in this folder")
	flag.StringVar(&o.cache, "cache", filepath.Join(cacheHome, "bpfgen-vmtest"), "folder of what is fetched")
	flag.IntVar(&o.timeout, "timeout", 600, "seconds for the tests of one package")
	flag.IntVar(&o.count, "count", 1, "how often each test runs, as for go test")
	flag.BoolVar(&o.prepare, "prepare", false, "only fetch")
	flag.BoolVar(&o.kept, "kept", false, "run nothing: make the table of the logs that runs have left in -logs")
	flag.Parse()
	chosen, err := find(o.machines)
	if err != nil || flag.NArg() > 0 {
		say("%v (%d more arguments)", err, flag.NArg())
		return exitUsage
	}
	err = o.all(ctx, chosen)
	if err != nil {
		say("%v", err)
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errTests):
		return exitFailed
	case errors.Is(err, errNothing):
		return exitNothing
	}
	return exitMachinery
}

var (
	errTests   = errors.New("tests failed")
	errNothing = errors.New("nothing to run on")
)

func (o *options) all(ctx context.Context, chosen []machine) error {
	dir := o.logs
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "vmtest"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	ready, err := o.fetch(ctx, chosen, dir)
	if err != nil {
		return fmt.Errorf("%w: %w", errNothing, err)
	}
	if o.prepare {
		return nil
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	suites, err := findSuites(ctx, root, o.suites)
	if err != nil {
		return err
	}
	began := time.Now()
	columns, err := o.columns(ctx, ready, root, suites)
	if err != nil {
		return err
	}
	return errors.Join(o.writeTable(columns, time.Since(began)), verdict(columns))
}

// columns are what the machines find, or have found.
func (o *options) columns(ctx context.Context, ready []*vm, root string, suites []testSuite) ([]*column, error) {
	if o.kept {
		return kept(o.logs, ready, suites)
	}
	built, err := newBuilds(root, suites)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(built.dir)
	return o.runAll(ctx, ready, built)
}

// writeTable writes the table of what was found, unless that is a part only.
func (o *options) writeTable(columns []*column, took time.Duration) error {
	switch {
	case o.table == "":
		return nil
	case o.kept:
		return writeTable(o.table, columns, "From the logs that several runs have left.")
	case o.machines != "" || o.suites != "" || o.run != "":
		say("%s stays as it is: whole runs write it", o.table)
		return nil
	}
	return writeTable(o.table, columns, fmt.Sprintf("One run, of %.0f minutes, with %d machines at a time.", took.Minutes(), o.parallel))
}

// fetch makes machines of those chosen that need nothing but tests.
func (o *options) fetch(ctx context.Context, chosen []machine, dir string) ([]*vm, error) {
	var ready []*vm
	for _, m := range chosen {
		qemu, err := findQEMU(ctx, o.cache, m.arch)
		if err != nil {
			return nil, err
		}
		kernel, err := fetchKernel(ctx, o.cache, m)
		if err != nil {
			return nil, err
		}
		console := filepath.Join(dir, m.arch+"-"+m.series+".console")
		ready = append(ready, &vm{machine: m, qemu: qemu, kernel: kernel, console: console})
	}
	return ready, nil
}

// runAll runs the machines, as many at a time as there may be.
func (o *options) runAll(ctx context.Context, ready []*vm, built *builds) ([]*column, error) {
	columns := make([]*column, len(ready))
	errs := make([]error, len(ready))
	room := make(chan struct{}, max(o.parallel, 1))
	var running sync.WaitGroup
	for i, v := range ready {
		room <- struct{}{}
		running.Go(func() {
			defer func() { <-room }()
			columns[i], errs[i] = o.runOne(ctx, v, built)
		})
	}
	running.Wait()
	return columns, errors.Join(errs...)
}

func (o *options) runOne(ctx context.Context, v *vm, built *builds) (*column, error) {
	b, err := built.forArch(ctx, v.arch)
	if err != nil {
		return nil, err
	}
	job := protocol.Job{Modules: loaded}
	reports := make(map[string]*report)
	c := &column{machine: v.machine, release: v.kernel.release}
	for _, s := range b.suites {
		job.Runs = append(job.Runs, s.run(o))
		reports[s.name] = &report{suite: s.name, code: -1}
		c.reports = append(c.reports, reports[s.name])
	}
	v.initramfs = filepath.Join(built.dir, v.arch+"-"+v.series+".cpio")
	if err := writeInitramfs(v.initramfs, v.kernel, built.root, b, job); err != nil {
		return nil, fmt.Errorf("%v: %w", v.machine, err)
	}
	defer os.Remove(v.initramfs)
	info, err := os.Stat(v.initramfs)
	if err != nil {
		return nil, err
	}
	v.memory = 1200 + 2*info.Size()>>20 // the archive, and what comes of it, are in memory together
	began := time.Now()
	// Tests speak when they begin, and are killed when they take too long.
	silence := time.Duration(o.timeout+60) * time.Second
	err = v.boot(ctx, silence, func(e protocol.Event) {
		switch e.Kind {
		case protocol.Up:
			say("%v: %s is up after %.0f s", v.machine, e.Text, time.Since(began).Seconds())
		case protocol.Output:
			reports[e.Run].log.WriteString(e.Text)
		case protocol.Exit:
			r := reports[e.Run]
			r.code, r.took = e.Code, e.Took
			r.parse()
			o.tell(v, r)
		case protocol.Fail:
			say("%v: %s", v.machine, e.Text)
		}
	})
	c.took = time.Since(began)
	if err == nil {
		say("%v: done after %.0f s, %.0f s of a processor", v.machine, c.took.Seconds(), v.busy.Seconds())
		return c, nil
	}
	for _, r := range c.reports {
		if r.code < 0 && r.log.Len() > 0 { // the one that it stopped at
			o.tell(v, r)
		}
	}
	return c, err
}

// tell prints what became of a suite, with the log if it failed.
func (o *options) tell(v *vm, r *report) {
	if o.logs != "" {
		if err := os.WriteFile(filepath.Join(o.logs, logName(v.machine, r.suite)), []byte(r.log.String()), 0o644); err != nil {
			say("%v", err)
		}
	}
	verdict := "ok  "
	if r.failed() {
		verdict = "FAIL"
	}
	say("%v: %s %-22s %4d passed, %3d skipped, %5.1f s", v.machine, verdict, r.suite, r.count(passed), r.count(skipped), r.took)
	if !r.failed() {
		return
	}
	say("%v: %s: exit status %d (-1: none)", v.machine, r.suite, r.code)
	for _, line := range failures(r.log.String()) {
		fmt.Printf("    %s\n", line)
	}
}

// failures are the lines of a log that are worth reading: not those about tests
// that pass, or are skipped.
func failures(log string) []string {
	var lines []string
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\n")
		switch text := strings.TrimPrefix(line, frame); {
		case strings.HasPrefix(text, "=== "), strings.HasPrefix(text, "--- PASS"), strings.HasPrefix(text, "--- SKIP"), strings.Contains(text, ": needs "):
		default:
			lines = append(lines, text)
		}
	}
	const most = 150
	return lines[max(0, len(lines)-most):]
}

func verdict(columns []*column) error {
	var bad []string
	for _, c := range columns {
		for _, r := range c.reports {
			if r.failed() {
				bad = append(bad, fmt.Sprintf("%v %s", c.machine, r.suite))
			}
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("%w: %s", errTests, strings.Join(bad, ", "))
	}
	return nil
}

func say(format string, args ...any) { fmt.Printf("vmtest: "+format+"\n", args...) }
