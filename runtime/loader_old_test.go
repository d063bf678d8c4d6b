package ebpf

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// linux makes an AtLeast of another kernel than the running one.
func linux(major, minor uint8) func(uapi.KernelVersion) bool {
	return func(v uapi.KernelVersion) bool { return !(uapi.KernelVersion{Major: major, Minor: minor}).Less(v) }
}

// Before 5.5, one helper read the memory of the kernel and of processes.
func TestOlderHelpers(t *testing.T) {
	insns := parse(t, objectFile("oldkernels")).Programs["reads"].Instructions
	calls := func(insns asm.Instructions) (fns []asm.BuiltinFunc) {
		for i := range insns {
			if insns[i].IsBuiltinCall() {
				fns = append(fns, asm.BuiltinFunc(insns[i].Constant))
			}
		}
		return fns
	}
	now := []asm.BuiltinFunc{asm.FnProbeReadKernel, asm.FnProbeReadKernelStr, asm.FnProbeReadUser, asm.FnProbeReadUserStr}
	then := []asm.BuiltinFunc{asm.FnProbeRead, asm.FnProbeReadStr, asm.FnProbeRead, asm.FnProbeReadStr}
	if got := calls(withOlderHelpers(insns, linux(5, 4))); !slices.Equal(got, then) {
		t.Errorf("5.4 gets %v", got)
	}
	if got := calls(withOlderHelpers(insns, linux(5, 5))); !slices.Equal(got, now) {
		t.Errorf("5.5 gets %v", got)
	}
	if got := calls(insns); !slices.Equal(got, now) {
		t.Errorf("the spec has changed: %v", got)
	}
}

// Before 6.8, global functions had to name the struct that is their context.
func TestContextTags(t *testing.T) {
	spec := parse(t, objectFile("oldkernels"))
	for _, c := range []struct {
		program, function string
		want              string // the struct that the argument then points to, "" for no change
	}{
		{"context", "length", "__sk_buff"},
		{"context", "mark", ""}, // has the right type already
		{"arguments", "first", "bpf_raw_tracepoint_args"},
		{"arguments", "untagged", ""},
	} {
		for _, old := range []bool{false, true} {
			version, want := linux(6, 8), ""
			if old {
				version, want = linux(6, 7), c.want
			}
			if got := contextFor(t, spec.Programs[c.program], c.function, version); got != want {
				t.Errorf("%s: before 6.8 %v: the argument of %s is turned into a pointer to %q, want %q", c.program, old, c.function, got, want)
			}
		}
	}
}

// contextFor is the struct that an argument of a function is made a pointer to
// for some kernel, "" if its type stays.
func contextFor(t *testing.T, ps *ProgramSpec, function string, version func(uapi.KernelVersion) bool) string {
	t.Helper()
	c, b := code{insns: ps.Instructions}, &btf.Builder{}
	if err := c.describe(b); err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(c.funcInfo)
	if err := c.nameContexts(ps.Type, b, version); err != nil {
		t.Fatal(err)
	}
	blob, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	types, err := btf.LoadSpecFromBytes(blob)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(before); at += funcInfoSize {
		was, is := binary.NativeEndian.Uint32(before[at+4:]), binary.NativeEndian.Uint32(c.funcInfo[at+4:])
		typ, err := types.TypeByID(btf.TypeID(is))
		if err != nil {
			t.Fatal(err)
		}
		fn := typ.(*btf.Func)
		if fn.Name != function || was == is {
			continue
		}
		if !slices.ContainsFunc(fn.ParamTags, func(tags []string) bool { return slices.Contains(tags, contextTag) }) {
			t.Errorf("%s has lost its tag", function)
		}
		return fn.Type.(*btf.FuncProto).Params[0].Type.(*btf.Pointer).Target.TypeName()
	}
	return ""
}

// The kernel takes both, if it has global functions at all.
func TestContextTagsLoad(t *testing.T) {
	testutil.Needs(t, testutil.GlobalFunctions)
	spec := parse(t, objectFile("oldkernels"))
	for _, program := range []string{"context", "arguments", "reads"} {
		coll, err := load(spec, selection{programs: []string{program}}, &CollectionOptions{})
		if err != nil {
			t.Errorf("%s: %+v", program, err)
			continue
		}
		coll.Close()
	}
}
