package ebpf

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

type arenaNode struct{ Next, Value uint64 }

// Variables in an arena have their initial values, also those set in the spec;
// programs and user space see what the other writes, pointers included.
func TestArena(t *testing.T) {
	testutil.Needs(t, testutil.Arena)
	testutil.CheckFDs(t)
	spec := parse(t, objectFile("arena"))
	if err := spec.Variables["numbers"].Set([3]uint32{4, 5, 600}); err != nil {
		t.Fatal(err)
	}
	coll, err := NewCollection(spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer coll.Close()
	var numbers [3]uint32
	if err := coll.Variables["numbers"].Get(&numbers); err != nil || numbers != [3]uint32{4, 5, 600} {
		t.Error(numbers, err)
	}
	if err := coll.Variables["second"].Set(arenaNode{Value: 7000}); err != nil {
		t.Fatal(err)
	}
	ret, err := coll.Programs["link_and_add"].Run(&RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var sum uint32
	if err := coll.Variables["sum"].Get(&sum); err != nil {
		t.Error(err)
	}
	if sum != 7601 || ret != 7601 {
		t.Errorf("sum %d, returned %d", sum, ret)
	}
	var first arenaNode
	if err := coll.Variables["first"].Get(&first); err != nil {
		t.Fatal(err)
	}
	mm, err := coll.Maps["heap"].Memory()
	if err != nil {
		t.Fatal(err)
	}
	second, err := mm.at(coll.Variables["second"].offset, 16)
	if err != nil {
		t.Fatal(err)
	}
	if address := reflect.ValueOf(second).Pointer(); uint64(address) != first.Next {
		t.Errorf("the program points to %#x, second is at %#x", first.Next, address)
	}
	if mm.ReadOnly() {
		t.Error("arena is read-only")
	}
}

// An arena is where its spec says.
func TestArenaAddress(t *testing.T) {
	testutil.Needs(t, testutil.Arena)
	const address = 0x5_0000_0000
	spec := parse(t, objectFile("arena"))
	spec.Maps["heap"].MapExtra = address
	earlier, err := NewCollection(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer earlier.Close()
	earlier.Close()
	coll, err := NewCollection(spec)
	if err != nil {
		t.Fatal("after another one had been there:", err)
	}
	defer coll.Close()
	if _, err := coll.Programs["link_and_add"].Run(&RunOptions{}); err != nil {
		t.Fatal(err)
	}
	var first arenaNode
	if err := coll.Variables["first"].Get(&first); err != nil {
		t.Fatal(err)
	}
	if want := uint64(address) + uint64(coll.Maps["heap"].globals) + 16; first.Next != want {
		t.Errorf("pointer %#x, want %#x", first.Next, want)
	}
	other, err := NewCollection(spec)
	if err == nil {
		other.Close()
		t.Fatal("two arenas at one address")
	}
	if want := "(MapSpec.MapExtra asks for the address 0x500000000)"; !strings.Contains(err.Error(), want) {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestArenaTooSmall(t *testing.T) {
	testutil.Needs(t, testutil.Arena)
	testutil.CheckFDs(t)
	spec := parse(t, objectFile("arena"))
	spec.Maps["heap"].Contents[0].Value = make([]byte, 5*4096)
	_, err := NewCollection(spec)
	if want := `contents of map "heap": 20480 bytes of variables don't fit the 16384 bytes of the arena`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// Where variables aren't at the beginning, instructions are told so; those of
// the spec stay as they are.
func TestMoveGlobals(t *testing.T) {
	original := asm.Instructions{
		asm.LoadMapValue(asm.R1, 0, 16).WithReference("heap"),
		asm.LoadMapValue(asm.R2, 0, 8).WithReference(".bss"),
		asm.LoadMapPtr(asm.R3, 0).WithReference("heap"),
		asm.Return(),
	}
	codes := []code{{insns: original}}
	moveGlobals(codes, "heap", 0x3000)
	var got []int64
	for _, ins := range codes[0].insns[:3] {
		got = append(got, ins.Constant>>32)
	}
	if diff := cmp.Diff([]int64{0x3010, 8, 0}, got); diff != "" {
		t.Error(diff)
	}
	if original[0].Constant>>32 != 16 {
		t.Error("the spec's instructions changed")
	}
}
