package ebpf

import (
	"errors"
	"os"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// needsVeth is for tests with a module that has types of its own.
func needsVeth(t *testing.T) *btf.Spec {
	t.Helper()
	testutil.Needs(t, testutil.KernelBTF, testutil.RawTracepoint, testutil.ModuleBTF)
	types, err := btf.LoadKernelModuleSpec("veth")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("needs the module veth: it isn't loaded, or is a part of this kernel")
	}
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// CO-RE finds types in modules, and their IDs are those of the module.
func TestTypesOfModule(t *testing.T) {
	types := needsVeth(t)
	testutil.CheckFDs(t)
	var priv *btf.Struct
	if err := types.TypeByName("veth_priv", &priv); err != nil {
		t.Fatal(err)
	}
	id, err := types.TypeID(priv)
	if err != nil {
		t.Fatal(err)
	}
	coll, err := load(parse(t, objectFile("modules")), selection{programs: []string{"types"}}, &CollectionOptions{})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer coll.Close()
	if _, err := coll.Programs["types"].Run(&RunOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]uint32{"exists": 1, "size": priv.Size, "id": uint32(id), "offset": 0, "missing": 0} {
		var got uint32
		if err := coll.Variables[name].Get(&got); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", name, got, err, want)
		}
	}
}

// Programs attach to functions of modules, whether they name the module or not.
func TestAttachTargetInModule(t *testing.T) {
	needsVeth(t)
	testutil.Needs(t, testutil.Fentry)
	testutil.CheckFDs(t)
	spec := parse(t, objectFile("modules"))
	for _, name := range []string{"entry", "entry_of_module"} {
		coll, err := load(spec, selection{programs: []string{name}}, &CollectionOptions{})
		if err != nil {
			t.Errorf("%+v", err)
			continue
		}
		coll.Close()
	}
	spec.Programs["entry"].AttachTo = "loop:veth_xmit"
	_, err := load(spec, selection{programs: []string{"entry"}}, &CollectionOptions{})
	wantError(t, err, "veth_xmit")
}
