package link

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"golang.org/x/sys/unix"
)

var kprobeSpec = ebpf.ProgramSpec{Type: ebpf.Kprobe}

// exitZero is a program that does nothing.
var exitZero = asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}

// uprobeFamily probes the function target of the test's executable.
func uprobeFamily(name string, kind PerfEventKind, attach func(*Executable, *ebpf.Program) (Link, error)) family {
	return family{
		name:  name,
		needs: []testutil.Feature{testutil.Uprobe},
		perf:  true,
		exe:   true,
		spec:  kprobeSpec,
		idAt:  -1,
		attach: func(prog *ebpf.Program, path string) (Link, error) {
			ex, err := OpenExecutable(path)
			if err != nil {
				return nil, err
			}
			return attach(ex, prog)
		},
		trigger: func(t testing.TB, path string) { run(t, path) },
		check: func(info *Info) error {
			d := info.PerfEvent()
			if d == nil && !kernel.AtLeast(perfInfo) {
				return nil
			}
			want := codeOffset + uint32(machines[runtime.GOARCH].target)
			if d == nil || d.Type != kind || d.Uprobe().Offset != want || !strings.HasSuffix(d.Uprobe().File, "/program") {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	}
}

// attachUprobeTracefs does what kernels need that have no PMU for uprobes.
func attachUprobeTracefs(ex *Executable, prog *ebpf.Program, opts *UprobeOptions, ret bool) (Link, error) {
	if err := checkUprobe(opts); err != nil {
		return nil, err
	}
	offset, err := ex.address("target", opts.Address, opts.Offset)
	if err != nil {
		return nil, err
	}
	event, probe, err := ex.openUprobeTracefs("target", offset, opts, ret)
	if err != nil {
		return nil, err
	}
	return attachPerfEvent(prog, event, probe, opts.Cookie)
}

// uprobes are both ways to make one.
var uprobes = map[string]func(*Executable, *ebpf.Program, *UprobeOptions) (Link, error){
	"pmu": func(ex *Executable, prog *ebpf.Program, opts *UprobeOptions) (Link, error) {
		return ex.Uprobe("target", prog, opts)
	},
	"tracefs": func(ex *Executable, prog *ebpf.Program, opts *UprobeOptions) (Link, error) {
		return attachUprobeTracefs(ex, prog, opts, false)
	},
}

// The kernel counts probes in the process, which exits with their number.
func TestUprobeReferenceCounter(t *testing.T) {
	testutil.Needs(t, testutil.Uprobe)
	for name, attach := range uprobes {
		t.Run(name, func(t *testing.T) {
			testutil.CheckFDs(t)
			ex := openTestExecutable(t)
			prog := load(t, kprobeSpec, exitZero)
			if n := run(t, ex.path); n != 0 {
				t.Errorf("before: %d", n)
			}
			l, err := attach(ex, prog, &UprobeOptions{RefCtrOffset: counterOffset})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if n := run(t, ex.path); n != 1 {
				t.Errorf("with a probe: %d", n)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if n := run(t, ex.path); n != 0 {
				t.Errorf("after: %d", n)
			}
		})
	}
}

func TestUprobeOfOneProcess(t *testing.T) {
	testutil.Needs(t, testutil.Uprobe)
	for name, attach := range uprobes {
		t.Run(name, func(t *testing.T) {
			testutil.CheckFDs(t)
			c := newCounter(t)
			f := &family{spec: kprobeSpec, idAt: -1}
			ex := openTestExecutable(t)
			l, err := attach(ex, f.program(t, c), &UprobeOptions{PID: os.Getpid()})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			run(t, ex.path) // another process
			if got := c.value(t); got != 0 {
				t.Errorf("the program ran %d times", got)
			}
		})
	}
}

func TestUprobeAtOffset(t *testing.T) {
	testutil.Needs(t, testutil.Uprobe)
	c := newCounter(t)
	f := &family{spec: kprobeSpec, idAt: -1}
	ex := openTestExecutable(t)
	m := machines[runtime.GOARCH]
	l, err := ex.Uprobe("", f.program(t, c), &UprobeOptions{Address: codeOffset + m.target, Offset: m.second - m.target})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	run(t, ex.path)
	if got := c.value(t); got != 1 {
		t.Errorf("the program ran %d times", got)
	}
}

// storeCookie stores the cookie of the link into c.
func storeCookie(c counter) asm.Instructions {
	return asm.Instructions{
		asm.FnGetAttachCookie.Call(),
		asm.LoadMapValue(asm.R1, c.FD(), 0),
		asm.StoreMem(asm.R1, 0, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}
}

const testCookie = 0x1122334455667788

func TestUprobeCookie(t *testing.T) {
	testutil.Needs(t, testutil.Uprobe, testutil.PerfEventLink)
	for name, attach := range uprobes {
		t.Run(name, func(t *testing.T) {
			c := newCounter(t)
			ex := openTestExecutable(t)
			l, err := attach(ex, load(t, kprobeSpec, storeCookie(c)), &UprobeOptions{Cookie: testCookie})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			run(t, ex.path)
			if got := c.value(t); got != testCookie {
				t.Errorf("cookie %#x", got)
			}
		})
	}
}

func TestUprobeThatCannotBe(t *testing.T) {
	testutil.Needs(t, testutil.Uprobe)
	ex := openTestExecutable(t)
	prog := load(t, kprobeSpec, exitZero)
	folder := &Executable{path: "/"}
	tests := map[string]struct {
		attach func() (Link, error)
		want   error
		text   string
	}{
		"no symbol":    {func() (Link, error) { return ex.Uprobe("nothing", prog, nil) }, ErrNoSymbol, `attach uprobe: function "nothing"`},
		"negative PID": {func() (Link, error) { return ex.Uprobe("target", prog, &UprobeOptions{PID: -1}) }, os.ErrInvalid, "PID of -1"},
		"no process":   {func() (Link, error) { return ex.Uprobe("target", prog, &UprobeOptions{PID: 1<<22 + 1}) }, os.ErrNotExist, "no process"},
		"distant counter": {func() (Link, error) {
			return ex.Uretprobe("target", prog, &UprobeOptions{RefCtrOffset: 1 << 32})
		}, os.ErrInvalid, "more than 32 bits"},
		"no file": {func() (Link, error) {
			return folder.Uprobe("", prog, &UprobeOptions{Address: 1})
		}, unix.EINVAL, "no regular file"},
		"path for tracefs": {func() (Link, error) {
			return attachUprobeTracefs(&Executable{path: "/with space"}, prog, &UprobeOptions{Address: 1}, false)
		}, ErrNotSupported, "spaces"},
		"prefix for tracefs": {func() (Link, error) {
			return attachUprobeTracefs(ex, prog, &UprobeOptions{TraceFSPrefix: "a/b"}, false)
		}, os.ErrInvalid, "TraceFSPrefix"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			testutil.CheckFDs(t)
			_, err := test.attach()
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}
