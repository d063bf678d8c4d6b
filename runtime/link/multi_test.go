package link

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// multiSymbols are what tests of kprobe.multi attach to.
var multiSymbols = []string{SyscallWrapper("sys_getsid"), SyscallWrapper("sys_getpgid")}

// Kernels that tell about links to many functions.
var (
	kprobeMultiTells = uapi.KernelVersion{Major: 6, Minor: 6}
	kprobeCookies    = uapi.KernelVersion{Major: 6, Minor: 9}
	uprobeMultiTells = uapi.KernelVersion{Major: 6, Minor: 8}

	tracingMultiTells = uapi.KernelVersion{Major: 7, Minor: 3}
)

func kprobeMultiFamily(name string, attachType ebpf.AttachType, need testutil.Feature, attach func(*ebpf.Program, KprobeMultiOptions) (Link, error)) family {
	return family{
		name:  name,
		needs: []testutil.Feature{need},
		spec:  ebpf.ProgramSpec{Type: ebpf.Kprobe, AttachType: attachType},
		idAt:  -1,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return attach(prog, KprobeMultiOptions{Symbols: multiSymbols, Cookies: []uint64{7, 8}})
		},
		trigger: func(t testing.TB, _ string) { _, _ = unix.Getpgid(0) },
		check: func(info *Info) error {
			d := info.KprobeMulti()
			if d == nil && !kernel.AtLeast(kprobeMultiTells) {
				return nil
			}
			if d == nil || d.Count != 2 || (d.Flags == multiReturn) != (name == "kretprobe.multi") {
				return fmt.Errorf("%+v", d)
			}
			addresses, ok := d.Addresses()
			var cookies []uint64
			for _, a := range addresses {
				cookies = append(cookies, a.Cookie)
			}
			slices.Sort(cookies)
			if want := []uint64{7, 8}; !ok || kernel.AtLeast(kprobeCookies) && !slices.Equal(cookies, want) {
				return fmt.Errorf("addresses %v, %v", addresses, ok)
			}
			return nil
		},
	}
}

// tracingFamily is for functions of the kernel.
func tracingFamily(name string, attachType ebpf.AttachType, need testutil.Feature) family {
	return family{
		name:  name,
		needs: []testutil.Feature{need, testutil.BPFLink},
		spec:  ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: attachType, AttachTo: SyscallWrapper("sys_getsid")},
		idAt:  -1,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return AttachTracing(TracingOptions{Program: prog})
		},
		trigger: func(t testing.TB, _ string) { _, _ = unix.Getsid(0) },
		check: func(info *Info) error {
			if d := info.Tracing(); d == nil || d.AttachType != attachType || d.TargetBtfId == 0 && kernel.AtLeast(tracingTarget) {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	}
}

// fmodRetFamily is for a function whose result may be changed: a hook of LSMs.
func fmodRetFamily() family {
	f := tracingFamily("fmod_ret", ebpf.AttachModifyReturn, testutil.Fentry)
	f.needs = append(f.needs, testutil.BPFLink)
	f.spec.AttachTo = "security_task_getsid"
	f.trigger = func(testing.TB, string) { _, _ = unix.Getsid(os.Getpid()) }
	return f
}

func tracingMultiFamily(name string, attachType ebpf.AttachType) family {
	return family{
		name:  name,
		needs: []testutil.Feature{testutil.FentryMulti},
		spec:  ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: attachType},
		idAt:  -1,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return AttachTracingMulti(TracingMultiOptions{
				Program: prog, AttachType: attachType, Functions: multiSymbols, Cookies: []uint64{7, 8},
			})
		},
		trigger: func(t testing.TB, _ string) { _, _ = unix.Getpgid(0) },
		check: func(info *Info) error {
			d := info.TracingMulti()
			if d == nil && !kernel.AtLeast(tracingMultiTells) {
				return nil
			}
			if d == nil || d.AttachType != attachType || len(d.Functions()) != 2 {
				return fmt.Errorf("%+v", d)
			}
			for _, f := range d.Functions() {
				if f.ID == 0 || f.Address == 0 || f.Cookie != 7 && f.Cookie != 8 {
					return fmt.Errorf("%+v", d)
				}
			}
			return nil
		},
	}
}

func TestTracingMultiThatCannotBe(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF)
	for name, test := range map[string]struct {
		opts TracingMultiOptions
		want error
	}{
		"nothing":         {TracingMultiOptions{}, os.ErrInvalid},
		"both":            {TracingMultiOptions{Functions: multiSymbols, Pattern: "x*"}, os.ErrInvalid},
		"too few cookies": {TracingMultiOptions{Functions: multiSymbols, Cookies: []uint64{1}}, os.ErrInvalid},
		"pattern's":       {TracingMultiOptions{Pattern: "x*", Cookies: []uint64{1}}, os.ErrInvalid},
		"no function":     {TracingMultiOptions{Functions: []string{"no_such_function"}}, os.ErrNotExist},
		"module":          {TracingMultiOptions{Pattern: "ext4:*"}, ErrNotSupported},
	} {
		if l, err := AttachTracingMulti(test.opts); l != nil || !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func uprobeMultiFamily(name string, attachType ebpf.AttachType, need testutil.Feature, attach func(*Executable, *ebpf.Program) (Link, error)) family {
	f := uprobeFamily(name, PerfEventUnspecified, attach)
	f.perf = false
	f.needs = []testutil.Feature{need}
	f.spec.AttachType = attachType
	f.check = func(info *Info) error {
		d := info.UprobeMulti()
		if d == nil && !kernel.AtLeast(uprobeMultiTells) {
			return nil
		}
		if d == nil || d.Count != 2 || (d.Flags == multiReturn) != (name == "uretprobe.multi") || !strings.HasSuffix(d.File, "/program") {
			return fmt.Errorf("%+v", d)
		}
		if pid, ok := d.Pid(); ok {
			return fmt.Errorf("of process %d", pid)
		}
		m := machines[runtime.GOARCH]
		want := []UprobeMultiOffset{{Offset: codeOffset + m.second}, {Offset: codeOffset + m.target}}
		if offsets, ok := d.Offsets(); !ok || !slices.Equal(offsets, want) {
			return fmt.Errorf("offsets %v, %v", offsets, ok)
		}
		return nil
	}
	return f
}

func TestKprobeMultiByAddress(t *testing.T) {
	testutil.Needs(t, testutil.KprobeMulti)
	symbols, err := kernel.FindSymbols(multiSymbols)
	if err != nil {
		t.Fatal(err)
	}
	c := newCounter(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.Kprobe, AttachType: ebpf.AttachTraceKprobeMulti}, storeCookie(c))
	l, err := KprobeMulti(prog, KprobeMultiOptions{
		Addresses: []uintptr{uintptr(symbols[0].Addr), uintptr(symbols[1].Addr)},
		Cookies:   []uint64{1, testCookie},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, _ = unix.Getpgid(0)
	if got := c.value(t); got != testCookie {
		t.Errorf("cookie %#x", got)
	}
}

func TestKprobeMultiThatCannotBe(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	prog := load(t, kprobeSpec, exitZero)
	tests := map[string]struct {
		opts KprobeMultiOptions
		text string
	}{
		"nothing":          {KprobeMultiOptions{}, "neither Symbols nor Addresses nor Pattern"},
		"both":             {KprobeMultiOptions{Symbols: multiSymbols, Addresses: []uintptr{1, 2}}, "more than one of"},
		"pattern too":      {KprobeMultiOptions{Symbols: multiSymbols, Pattern: "x*"}, "more than one of"},
		"pattern's cookie": {KprobeMultiOptions{Pattern: "x*", Cookies: []uint64{1}}, "no order"},
		"strange pattern":  {KprobeMultiOptions{Pattern: "a b*"}, `pattern "a b*"`},
		"too few cookies":  {KprobeMultiOptions{Symbols: multiSymbols, Cookies: []uint64{1}}, "1 Cookies for 2 functions"},
		"strange symbol":   {KprobeMultiOptions{Symbols: []string{"a b"}}, `"a b" is no name`},
		"session's return": {KprobeMultiOptions{Symbols: multiSymbols, Session: true}, "both ends"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := KretprobeMulti(prog, test.opts); !errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A pattern finds each function once, and none is an error.
func TestKprobeMultiPattern(t *testing.T) {
	testutil.Needs(t, testutil.KprobeMulti)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.Kprobe, AttachType: ebpf.AttachTraceKprobeMulti}, exitZero)
	l, err := KprobeMulti(prog, KprobeMultiOptions{Pattern: "*_sys_getp?id"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := l.Info()
	if err != nil {
		t.Fatal(err)
	}
	if d := info.KprobeMulti(); kernel.AtLeast(kprobeMultiTells) && (d == nil || d.Count == 0 || d.Count > 4) {
		t.Errorf("%+v", d)
	}
	if _, err := KprobeMulti(prog, KprobeMultiOptions{Pattern: "no_function_is_called_*"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// Without fprobes in the kernel, the error says so.
func TestKprobeMultiNotSupported(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	if testutil.Lacks(testutil.KprobeMulti) == "" {
		t.Log("this kernel has kprobe.multi")
		return
	}
	prog := load(t, kprobeSpec, exitZero)
	_, err := KprobeMulti(prog, KprobeMultiOptions{Symbols: multiSymbols})
	if !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "CONFIG_FPROBE") && !strings.Contains(err.Error(), "needs Linux 5.18") {
		t.Errorf("got %v", err)
	}
}

func TestKprobeMultiMissing(t *testing.T) {
	testutil.Needs(t, testutil.KprobeMulti)
	testutil.CheckFDs(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.Kprobe, AttachType: ebpf.AttachTraceKprobeMulti}, exitZero)
	_, err := KprobeMulti(prog, KprobeMultiOptions{Symbols: append(slices.Clone(multiSymbols), "no_such_function")})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "no function no_such_function in this kernel") {
		t.Errorf("got %v", err)
	}
	wrong := load(t, kprobeSpec, exitZero)
	_, err = KprobeMulti(wrong, KprobeMultiOptions{Symbols: multiSymbols})
	if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "attach type TraceKprobeMulti") {
		t.Errorf("got %v", err)
	}
}

func TestUprobeMultiOptions(t *testing.T) {
	testutil.Needs(t, testutil.UprobeMulti)
	testutil.CheckFDs(t)
	c := newCounter(t)
	ex := openTestExecutable(t)
	m := machines[runtime.GOARCH]
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.Kprobe, AttachType: ebpf.AttachTraceUprobeMulti}, storeCookie(c))
	l, err := ex.UprobeMulti(nil, prog, &UprobeMultiOptions{
		Addresses:     []uint64{codeOffset + m.target, codeOffset + m.target},
		Offsets:       []uint64{0, m.second - m.target}, // the last one to run
		RefCtrOffsets: []uint64{counterOffset, counterOffset},
		Cookies:       []uint64{1, testCookie},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if n := run(t, ex.path); n != 2 {
		t.Errorf("%d probes in the process", n)
	}
	if got := c.value(t); got != testCookie {
		t.Errorf("cookie %#x", got)
	}
	// A probe has one counter, or none.
	if _, err := ex.UprobeMulti([]string{"target"}, prog, nil); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "other counter") {
		t.Errorf("another counter: %v", err)
	}
	l.Close()
	mine, err := ex.UprobeMulti([]string{"target"}, prog, &UprobeMultiOptions{PID: uint32(os.Getpid())})
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	info, err := mine.Info()
	if err != nil {
		t.Fatal(err)
	}
	if d := info.UprobeMulti(); d != nil {
		if pid, ok := d.Pid(); !ok || pid != uint32(os.Getpid()) {
			t.Errorf("of process %d, %v", pid, ok)
		}
	}
}

func TestUprobeMultiThatCannotBe(t *testing.T) {
	testutil.Needs(t, testutil.UprobeMulti)
	ex := openTestExecutable(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.Kprobe, AttachType: ebpf.AttachTraceUprobeMulti}, exitZero)
	one := []string{"target"}
	tests := map[string]struct {
		symbols []string
		opts    UprobeMultiOptions
		want    error
		text    string
	}{
		"nothing":           {nil, UprobeMultiOptions{}, os.ErrInvalid, "neither symbols nor Addresses"},
		"missing symbol":    {[]string{"nothing"}, UprobeMultiOptions{}, ErrNoSymbol, "nothing"},
		"too few symbols":   {one, UprobeMultiOptions{Addresses: []uint64{1, 2}}, os.ErrInvalid, "1 symbols for 2 probes"},
		"too many cookies":  {one, UprobeMultiOptions{Cookies: []uint64{1, 2}}, os.ErrInvalid, "2 Cookies for 1 probes"},
		"too many counters": {one, UprobeMultiOptions{RefCtrOffsets: []uint64{1, 2}}, os.ErrInvalid, "2 RefCtrOffsets"},
		"too many offsets":  {one, UprobeMultiOptions{Offsets: []uint64{1, 2}}, os.ErrInvalid, "2 Offsets"},
		"negative process":  {one, UprobeMultiOptions{PID: 1 << 31}, os.ErrInvalid, "PID of 2147483648"},
		"no process":        {one, UprobeMultiOptions{PID: 1<<22 + 1}, os.ErrNotExist, "no process"},
		"session's return":  {one, UprobeMultiOptions{Session: true}, os.ErrInvalid, "both ends"},
		"pattern too":       {one, UprobeMultiOptions{Pattern: "t*"}, os.ErrInvalid, "no order"},
		"no such pattern":   {nil, UprobeMultiOptions{Pattern: "u*"}, ErrNoSymbol, `"u*"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			testutil.CheckFDs(t)
			if _, err := ex.UretprobeMulti(test.symbols, prog, &test.opts); !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v", err)
			}
		})
	}
	wrong := load(t, kprobeSpec, exitZero)
	_, err := ex.UprobeMulti(one, wrong, nil)
	if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "attach type TraceUprobeMulti") {
		t.Errorf("got %v", err)
	}
}
