package ebpf

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// target loads a program with functions that others can attach to.
func target(t *testing.T) *Program {
	t.Helper()
	testutil.Needs(t, testutil.GlobalFunctions)
	p, err := NewProgram(parse(t, objectFile("extension")).Programs["original"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// attached is a program of an object, with a target that is set before loading.
func attached(t *testing.T, object, name, to string, at *Program) *ProgramSpec {
	t.Helper()
	spec := parse(t, objectFile(object)).Programs[name]
	spec.AttachTo, spec.AttachTarget = to, at
	return spec
}

// The target may be a function of another program.
func TestAttachToProgram(t *testing.T) {
	for _, c := range []struct {
		name, to string
		needs    testutil.Feature
	}{
		{"traced", "original", testutil.Fentry},
		{"traced", "replaceable", testutil.Fentry},
		{"replacement", "replaceable", testutil.Freplace},
	} {
		t.Run(c.name+" "+c.to, func(t *testing.T) {
			testutil.Needs(t, c.needs)
			testutil.CheckFDs(t)
			p, err := NewProgram(attached(t, "extension", c.name, c.to, target(t)))
			if err != nil {
				t.Fatal(err)
			}
			p.Close()
		})
	}
}

func TestAttachToNothing(t *testing.T) {
	at := target(t)
	closed := target(t)
	closed.Close()
	for _, c := range []struct {
		name, to string
		at       *Program
		want     string
	}{
		{"traced", "", nil, "it says not what to attach to: set ProgramSpec.AttachTo before loading"},
		{"traced", "replacable", at, `has no function "replacable" (did you mean "replaceable"?)`},
		{"replacement", "replaceable", nil, "it extends another program: set ProgramSpec.AttachTarget before loading"},
		{"replacement", "replaceable", closed, ErrClosed.Error()},
	} {
		_, err := NewProgram(attached(t, "extension", c.name, c.to, c.at))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func TestAttachToModule(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF)
	kt := newKernelTypes(&ProgramOptions{}, nil)
	names, err := kt.cache.Modules()
	if err != nil {
		t.Fatal(err)
	}
	h := hookOf(&ProgramSpec{Type: Tracing, AttachType: AttachTraceFEntry})
	for _, name := range names {
		types, err := kt.cache.Module(name)
		if err != nil {
			t.Fatal(err)
		}
		for function := range functionNames(types) {
			found, err := kt.find([]attachQuery{h.query(name + ":" + function), h.query("vmlinux:" + function)})
			if err != nil {
				t.Fatal(err)
			}
			if found[0].module != name || found[1].module != "" {
				t.Errorf("%s of %s: %+v", function, name, found)
			}
			break
		}
	}
}

// What is found depends on the running kernel, whatever CO-RE was given.
func TestAttachTargetIsOfTheRunningKernel(t *testing.T) {
	testutil.Needs(t, testutil.TracingRawTp)
	given, err := btf.LoadSpec(objectFile("core"))
	if err != nil {
		t.Fatal(err)
	}
	spec := parse(t, objectFile("programs")).Programs["tp_btf"]
	p, err := NewProgramWithOptions(spec, ProgramOptions{KernelTypes: given})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
}

// syscallEntry is the kernel's function for a system call.
func syscallEntry(name string) string {
	prefix := map[string]string{"amd64": "__x64", "arm64": "__arm64", "s390x": "__s390x"}[runtime.GOARCH]
	return prefix + "_sys_" + name
}

// A function that has no types, as the compiler has changed it, is named: there
// are kprobes for it.
func TestAttachToFunctionWithoutTypes(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF)
	kt := newKernelTypes(&ProgramOptions{}, nil)
	for symbol := range kernel.SymbolNames("t") {
		base, suffix, ok := strings.Cut(symbol, ".")
		if !ok || !strings.HasPrefix(suffix, "isra.") {
			continue
		}
		h := hook{typ: Tracing, attach: AttachTraceFEntry, kinds: rawbtf.Kinds(rawbtf.KindFunc)}
		if found, err := kt.find([]attachQuery{h.query(base)}); err != nil || found[0].id != 0 {
			continue
		}
		_, err := NewProgram(attached(t, "programs", "fentry", base, nil))
		if want := "; it has " + base + "."; err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, ErrNotSupported) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		return
	}
	t.Log("this kernel has no such function")
}

func TestAttachToSomethingNear(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF)
	for _, c := range []struct{ kind, to, want string }{
		{"fentry", "vfs_raed", `this kernel has no kernel function "vfs_raed" (did you mean "vfs_read"?)`},
		{"fentry", "vmlinux:vfs_raed", `(did you mean "vfs_read"?)`},
		{"tp_btf", "sched_process_exce", `this kernel has no tracepoint "sched_process_exce" (did you mean "sched_process_exec"?)`},
		{"fentry", "sys_openat", `this kernel has no kernel function "sys_openat" (did you mean "` + syscallEntry("openat") + `"`},
		{"iter_task", "taks", `this kernel has no iterator "taks" (did you mean "task"?)`},
	} {
		_, err := NewProgram(attached(t, "programs", c.kind, c.to, nil))
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrNotSupported) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}
