package needs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
	"github.com/bpfgen/bpfgen/runtime/features"
)

// The tables are tried on the kernel that runs: make test-kernels does so on old
// and new ones.

func TestMain(m *testing.M) { testutil.Main(m) }

func runningKernel(t *testing.T) uapi.KernelVersion {
	t.Helper()
	version, err := kernel.Version()
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// No kernel has a kfunc before the table says so.
func TestKfuncsOfThisKernel(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF)
	version := runningKernel(t)
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	present, absent := 0, []string{}
	for _, row := range kfuncs {
		since := v(row.major, row.minor)
		for name := range strings.FieldsSeq(row.names) {
			var fn *btf.Func
			err := spec.TypeByName(name, &fn)
			switch {
			case err == nil && version.Less(since) && !isOldFunction(name):
				t.Errorf("%s is in Linux %v, but the table says %v", name, version, since)
			case err == nil:
				present++
			case !errors.Is(err, btf.ErrNotFound):
				t.Fatal(err)
			case !version.Less(since):
				absent = append(absent, name)
			}
		}
	}
	t.Logf("Linux %v has %d; without (a module, its configuration, or gone again): %s", version, present, strings.Join(absent, " "))
	if present == 0 && !version.Less(v(6, 4)) {
		t.Errorf("Linux %v has none of the kfuncs of the table", version)
	}
}

// isOldFunction tells whether a kfunc was an ordinary function before.
func isOldFunction(name string) bool {
	return !strings.HasPrefix(name, "bpf_") && !strings.HasPrefix(name, "scx_bpf_")
}

// Helpers that the table has for GPL-only are refused in a program with another
// licence, others aren't.
func TestGPLHelpersOfThisKernel(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	version := runningKernel(t)
	types := []ebpf.ProgramType{
		ebpf.SocketFilter, ebpf.SchedCLS, ebpf.XDP, ebpf.Kprobe, ebpf.TracePoint, ebpf.PerfEvent, ebpf.CGroupSKB,
		ebpf.CGroupSockAddr, ebpf.SockOps, ebpf.SkSKB, ebpf.SkMsg, ebpf.LWTXmit, ebpf.LircMode2, ebpf.RawTracepoint,
	}
	tried := 0
	for fn := asm.FnMapLookupElem; fn <= asm.FnCgrpStorageDelete; fn++ {
		major, minor := fn.MinKernel()
		if version.Less(v(uint8(major), uint8(minor))) {
			continue
		}
		gpl, ok := gplOnly(t, types, fn)
		if !ok {
			continue // for programs of other types
		}
		tried++
		if gpl != gplHelpers[fn] {
			t.Errorf("%v: refused without the GPL: %v, the table says %v", fn, gpl, gplHelpers[fn])
		}
	}
	t.Logf("tried %d helpers", tried)
	if tried < 50 {
		t.Errorf("only %d helpers could be tried", tried)
	}
}

// gplOnly tries the helper in programs of several types, until one may call it.
func gplOnly(t *testing.T, types []ebpf.ProgramType, fn asm.BuiltinFunc) (gpl, ok bool) {
	t.Helper()
	for _, typ := range types {
		spec := &ebpf.ProgramSpec{Name: "probe", Type: typ, License: "Proprietary", Instructions: asm.Instructions{
			fn.Call(), asm.Mov.Imm(asm.R0, 0), asm.Return(),
		}}
		if typ == ebpf.CGroupSockAddr {
			spec.AttachType = ebpf.AttachCGroupInet4Connect
		}
		prog, err := ebpf.NewProgram(spec)
		if err == nil {
			prog.Close()
			return false, true
		}
		var rejection *ebpf.VerifierError
		if !errors.As(err, &rejection) {
			continue // this kernel has no programs of the type
		}
		log := fmt.Sprintf("%+v", rejection)
		switch {
		case strings.Contains(log, "GPL"):
			return true, true
		case slices.ContainsFunc([]string{"unknown func", "cannot use helper", "invalid func", "helper call is not allowed"}, func(s string) bool { return strings.Contains(log, s) }):
		default:
			return false, true // it got as far as the arguments
		}
	}
	return false, false
}

// A kernel that is older than what the tables say about types of maps and
// programs doesn't have them.
func TestTypesOfThisKernel(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	version := runningKernel(t)
	for typ := uapi.MapTypeHash; typ.Known(); typ++ {
		if err := features.HaveMapType(ebpf.MapType(typ)); err == nil && version.Less(typ.MinKernel()) {
			t.Errorf("map type %v is in Linux %v, but the table says %v", typ, version, typ.MinKernel())
		}
	}
	for typ := uapi.ProgTypeSocketFilter; typ.Known(); typ++ {
		if err := features.HaveProgramType(ebpf.ProgramType(typ)); err == nil && version.Less(typ.MinKernel()) {
			t.Errorf("program type %v is in Linux %v, but the table says %v", typ, version, typ.MinKernel())
		}
	}
	for fn := asm.FnMapLookupElem; fn <= asm.FnCgrpStorageDelete; fn++ {
		major, minor := fn.MinKernel()
		since := v(uint8(major), uint8(minor))
		if err := features.HaveProgramHelper(ebpf.SchedCLS, fn); err == nil && version.Less(since) {
			t.Errorf("helper %v is in Linux %v, but the table says %v", fn, version, since)
		}
	}
}
