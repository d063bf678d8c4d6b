package corerelo_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/bpfgen/bpfgen/internal/corerelo"
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

func kernelTypes(tb testing.TB) *btf.Spec {
	tb.Helper()
	testutil.Needs(tb, testutil.KernelBTF)
	spec, err := btf.LoadKernelSpec()
	check(tb, err)
	return spec
}

// kernelStructs are some of those that programs like to read.
var kernelStructs = []string{
	"task_struct", "sk_buff", "sock", "inode", "file", "dentry", "mm_struct", "net_device", "tcp_sock", "cred", "linux_binprm",
	"request", "bio", "super_block", "pt_regs", "signal_struct", "nsproxy", "cgroup", "vm_area_struct", "page",
}

// A truth is a member of a kernel's struct, whether it is in the struct itself or in something unnamed within.
type truth struct {
	name  string
	bits  uint32
	width uint32
	typ   btf.Type
}

func flatten(dst []truth, members []btf.Member, at btf.Bits) []truth {
	for _, m := range members {
		if m.Name != "" {
			dst = append(dst, truth{m.Name, uint32(at + m.Offset), uint32(m.BitfieldSize), m.Type})
			continue
		}
		if s, ok := btf.As[*btf.Struct](m.Type); ok {
			dst = flatten(dst, s.Members, at+m.Offset)
		} else if u, ok := btf.As[*btf.Union](m.Type); ok {
			dst = flatten(dst, u.Members, at+m.Offset)
		}
	}
	return dst
}

// outline returns a type that fields of type t are compatible with, but that has another size and none of what t refers to.
func outline(t btf.Type) btf.Type {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Pointer:
		return &btf.Pointer{Target: (*btf.Void)(nil)}
	case *btf.Struct, *btf.Union:
		return &btf.Struct{Name: "other", Size: 7}
	case *btf.Array:
		return &btf.Array{Index: &btf.Int{Name: "i", Size: 4}, Type: outline(t.Type), Nelems: t.Nelems + 1}
	case *btf.Enum:
		return &btf.Enum{Size: 1}
	default:
		return &btf.Int{Name: "int", Size: 2, Encoding: btf.Signed}
	}
}

// TestKernelFields declares structs of the running kernel in another way, without nesting and from the end to the beginning, and
// expects all members to be found where the kernel's own types have them.
func TestKernelFields(t *testing.T) {
	spec := kernelTypes(t)
	for _, name := range kernelStructs {
		t.Run(name, func(t *testing.T) {
			var s *btf.Struct
			if err := spec.TypeByName(name, &s); err != nil {
				t.Skipf("this kernel: %v", err)
			}
			truths := flatten(nil, s.Members, 0)
			slices.Reverse(truths)
			mine := &btf.Struct{Name: name + "___mine"}
			for i, m := range truths {
				mine.Members = append(mine.Members, btf.Member{Name: m.name, Type: outline(m.typ), Offset: btf.Bits(i * 64)})
			}
			mine.Size = uint32(len(truths) * 8)
			relos := relocsOf(t, mine, btf.COREFieldByteOffset)
			fixups, err := corerelo.Relocate(relos, corerelo.Target{Kernel: spec})
			check(t, err)
			for i, m := range truths {
				got := fixups[i].Value()
				if m.width > 0 {
					if got > uint64(m.bits/8) || uint64(m.bits+m.width) > (got+8)*8 {
						t.Errorf("bitfield %s at bit %d is loaded from byte %d", m.name, m.bits, got)
					}
				} else if fixups[i].Poisons() || got != uint64(m.bits/8) {
					t.Errorf("%v, want %d", &fixups[i], m.bits/8)
				}
			}
		})
	}
}

// relocsOf returns a relocation for each member of a struct.
func relocsOf(tb testing.TB, s *btf.Struct, kind btf.COREKind) []corerelo.Reloc {
	tb.Helper()
	var b btf.Builder
	id, err := b.Add(s)
	check(tb, err)
	blob, err := b.Marshal(nil, nil)
	check(tb, err)
	spec, err := btf.LoadSpecFromBytes(blob)
	check(tb, err)
	relos := make([]corerelo.Reloc, len(s.Members))
	for i := range s.Members {
		relos[i] = reloc(spec, id, kind, fmt.Sprintf("0:%d", i))
	}
	return relos
}

// TestKernelSelf relocates a kernel's struct to the very same kernel: nothing moves, and types match themselves.
func TestKernelSelf(t *testing.T) {
	spec := kernelTypes(t)
	for _, name := range kernelStructs {
		var s *btf.Struct
		if err := spec.TypeByName(name, &s); err != nil {
			continue
		}
		id, err := spec.TypeID(s)
		check(t, err)
		var relos []corerelo.Reloc
		var want []any
		for _, r := range []struct {
			kind btf.COREKind
			want int
		}{{btf.CORETypeExists, 1}, {btf.CORETypeMatches, 1}, {btf.CORETypeSize, int(s.Size)}, {btf.CORETypeIDTarget, int(id)}, {btf.CORETypeIDLocal, int(id)}} {
			relos = append(relos, reloc(spec, id, r.kind, "0"))
			want = append(want, r.want)
		}
		equal(t, solve(t, corerelo.Target{Kernel: spec}, relos...), want...)
	}
}

// TestVerifierAcceptsUnreachablePoison loads programs with poisoned instructions into the kernel: where they are never reached, it
// has to accept them, and it has to reject them where they are.
func TestVerifierAcceptsUnreachablePoison(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	l := local(t)
	gone := build(t, func(b *builder) { b.structure("s", 4) })
	for name, ins := range map[string]asm.Instruction{
		"load":        asm.LoadMem(asm.R0, asm.R1, 0, asm.Word),
		"store":       asm.StoreImm(asm.R10, 0, 1, asm.Word),
		"move":        asm.Mov.Imm(asm.R0, 0),
		"64-bit load": asm.LoadImm(asm.R0, 0, asm.DWord),
	} {
		poisoned, err := applied(t, gone, offsetOf(l, "0:0"), ins)
		check(t, err)
		guarded := asm.Instructions{
			asm.Mov.Imm(asm.R0, 0),
			asm.Mov.Imm(asm.R2, 0),
			asm.JEq.Imm(asm.R2, 0, "out"),
			poisoned,
			asm.Return().WithSymbol("out"),
		}
		if err := verify(guarded); err != nil {
			t.Errorf("%s: poison that can't be reached is rejected: %v", name, err)
		}
		if err := verify(asm.Instructions{poisoned, asm.Mov.Imm(asm.R0, 0), asm.Return()}); err == nil {
			t.Errorf("%s: poison that is reached is accepted", name)
		}
	}
}

// verify loads a program and forgets it.
func verify(insns asm.Instructions) error {
	code, err := insns.Encode(nil, binary.NativeEndian)
	if err != nil {
		return err
	}
	fd, err := kernel.ProgLoad(&kernel.ProgLoadAttr{
		ProgType: uint32(1), // BPF_PROG_TYPE_SOCKET_FILTER
		InsnCnt:  uint32(len(code) / asm.InstructionSize),
		Insns:    kernel.Bytes(code),
		License:  kernel.CString("MIT"),
	})
	if err != nil {
		return err
	}
	return fd.Close()
}

// manyRelocs returns n relocations of members of structs of the kernel.
func manyRelocs(tb testing.TB, spec *btf.Spec, n int) []corerelo.Reloc {
	tb.Helper()
	var relos []corerelo.Reloc
	for _, name := range kernelStructs {
		var s *btf.Struct
		if spec.TypeByName(name, &s) != nil {
			continue
		}
		mine := &btf.Struct{Name: name}
		for _, m := range flatten(nil, s.Members, 0) {
			mine.Members = append(mine.Members, btf.Member{Name: m.name, Type: outline(m.typ)})
		}
		relos = append(relos, relocsOf(tb, mine, btf.COREFieldByteOffset)...)
		if len(relos) >= n {
			return relos[:n]
		}
	}
	tb.Skipf("structs of this kernel have %d members", len(relos))
	return nil
}

// BenchmarkRelocate is what a load pays for n relocations, given the kernel's types: the search for candidates and the matching.
func BenchmarkRelocate(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			spec := kernelTypes(b)
			relos := manyRelocs(b, spec, n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := corerelo.Relocate(relos, corerelo.Target{Kernel: spec}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/relo")
		})
	}
}

// BenchmarkCold includes opening the kernel's types.
func BenchmarkCold(b *testing.B) {
	relos := manyRelocs(b, kernelTypes(b), 1000)
	b.ReportAllocs()
	for b.Loop() {
		spec, err := btf.LoadKernelSpec()
		check(b, err)
		if _, err := corerelo.Relocate(relos, corerelo.Target{Kernel: spec}); err != nil {
			b.Fatal(err)
		}
	}
}
