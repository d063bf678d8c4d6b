package ebpf

import (
	"testing"
)

type congestionSpec struct {
	StructOpsSpec
	Name     Member[[16]byte]  `ebpf:"name"`
	Neither  Member[[3]uint32] `ebpf:"neither_is_this"`
	Flags    Member[uint32]    `ebpf:"flags"`
	Init     FuncMember        `ebpf:"init"`
	UndoCwnd FuncMember        `ebpf:"undo_cwnd"`
}

// Members are read and set where loading takes them from.
func TestStructOpsMembers(t *testing.T) {
	spec := parse(t, objectFile("structops"))
	var s struct {
		Link congestionSpec `ebpf:"demo_link"`
		Init *ProgramSpec   `ebpf:"optional_init"`
	}
	is(t, "Assign", spec.Assign(&s), nil)
	equal(t, "name", s.Link.Name.Get(), nil, [16]byte([]byte("bpfgen_link\x00\x00\x00\x00\x00")))
	equal(t, "init", s.Link.Init.Get(), nil, spec.Programs["demo_init"])

	s.Link.Name.Set([16]byte{'x'})
	s.Link.Flags.Set(7)
	s.Link.Init.Set(s.Init)
	s.Link.UndoCwnd.Set(nil)
	equal(t, "name", s.Link.Name.Get(), nil, [16]byte{'x'})
	equal(t, "init", s.Link.Init.Get(), nil, s.Init)
	equal(t, "undo_cwnd", s.Link.UndoCwnd.Get(), nil, nil)

	ms := spec.Maps["demo_link"]
	equal(t, "program for init", ms.StructOps["init"], nil, "optional_init")
	equal(t, "programs", len(ms.StructOps), nil, 3)
	data := ms.Contents[0].Value.([]byte)
	equal(t, "byte in the spec", data[len(data)-4-16], nil, 'x')
	s.Link.Init.Set(&ProgramSpec{Name: "foreign"})
	equal(t, "program of another collection", ms.StructOps["init"], nil, "foreign")
}

func TestStructOpsMemberErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		to   any
		want string
	}{
		{"size", &struct {
			M struct {
				StructOpsSpec
				Flags Member[uint64] `ebpf:"flags"`
			} `ebpf:"demo_link"`
		}{}, `assign specs: field M: map "demo_link": field Flags: invalid type: member flags: uint64 has 8 bytes, C's __u32 has 4`},
		{"no member", &struct {
			M struct {
				StructOpsSpec
				Flags Member[uint32] `ebpf:"flag"`
			} `ebpf:"demo_link"`
		}{}, `assign specs: field M: map "demo_link": field Flags: struct tcp_congestion_ops has no member "flag" (did you mean "flags"?)`},
		{"no function", &struct {
			M struct {
				StructOpsSpec
				Flags FuncMember `ebpf:"flags"`
			} `ebpf:"demo_link"`
		}{}, `assign specs: field M: map "demo_link": field Flags: member flags is C's __u32, not a pointer to a function: invalid type`},
		{"no struct_ops", &struct {
			M congestionSpec `ebpf:".bss"`
		}{}, `assign specs: field M: map ".bss": a Array has no members`},
	} {
		if err := parse(t, objectFile("structops")).Assign(c.to); errorText(err) != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.name, err, c.want)
		}
	}
}
