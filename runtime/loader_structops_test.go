package ebpf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

func programNames(coll *Collection) []string { return sortedKeys(coll.Programs) }

// What wants a struct_ops brings its programs along, and nobody else's.
func TestLoadStructOps(t *testing.T) {
	testutil.Needs(t, testutil.StructOps, testutil.StructOpsLink)
	for _, c := range []struct {
		name           string
		want           func(*CollectionSpec) selection
		maps, programs []string
	}{
		{
			"everything", (*CollectionSpec).everything,
			[]string{".bss", ".data", "demo_link", "demo_old", "demo_update"},
			[]string{"demo_cong_avoid", "demo_init", "demo_ssthresh", "demo_undo_cwnd"},
		}, {
			"one map", func(*CollectionSpec) selection { return selection{maps: []string{"demo_old"}} },
			[]string{".data", "demo_old"}, []string{"demo_cong_avoid", "demo_ssthresh", "demo_undo_cwnd"},
		}, {
			"optional map", func(*CollectionSpec) selection { return selection{maps: []string{"demo_optional"}} },
			[]string{".data", "demo_optional"}, []string{"demo_cong_avoid", "demo_ssthresh", "demo_undo_cwnd", "optional_init"},
		}, {
			"one program", func(*CollectionSpec) selection { return selection{programs: []string{"demo_init"}} },
			[]string{".bss"}, []string{"demo_init"},
		}, {
			"program of an optional map", func(*CollectionSpec) selection { return selection{programs: []string{"optional_init"}} },
			[]string{}, []string{"optional_init"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			testutil.CheckFDs(t)
			spec := parse(t, objectFile("structops"))
			coll, err := load(spec, c.want(spec), &CollectionOptions{})
			if err != nil {
				t.Fatalf("%+v", err)
			}
			defer coll.Close()
			if diff := cmp.Diff(c.maps, sortedKeys(coll.Maps)); diff != "" {
				t.Error("maps:", diff)
			}
			if diff := cmp.Diff(c.programs, programNames(coll)); diff != "" {
				t.Error("programs:", diff)
			}
		})
	}
}

// The kernel gets each member where it has it, and programs for functions.
func TestStructOpsValue(t *testing.T) {
	testutil.Needs(t, testutil.StructOps, testutil.StructOpsLink)
	spec := parse(t, objectFile("structops"))
	coll, err := NewCollection(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	kind, err := newKernelTypes(&ProgramOptions{}, nil).structOpsKind("tcp_congestion_ops___any")
	if err != nil {
		t.Fatal(err)
	}
	m := coll.Maps["demo_link"]
	if m.ValueSize() != kind.value.Size() {
		t.Errorf("value has %d bytes, the kernel's struct %d", m.ValueSize(), kind.value.Size())
	}
	value, err := m.LookupBytes(uint32(0))
	if err != nil {
		t.Fatal(err)
	}
	at := func(member string, size int) []byte {
		_, km, ok := kind.member(member)
		if !ok {
			t.Fatal("no member", member)
		}
		return value[kind.offset+km.Offset/8:][:size]
	}
	if name := strings.TrimRight(string(at("name", 16)), "\x00"); name != "bpfgen_link" {
		t.Errorf("name %q", name)
	}
	for _, member := range []string{"ssthresh", "cong_avoid", "init", "undo_cwnd"} {
		if isZero(at(member, 8)) {
			t.Errorf("no program for %s", member)
		}
	}
	if !isZero(at("release", 8)) {
		t.Error("a program for release, of which the object says nothing")
	}
}

// All of it can be changed before loading.
func TestStructOpsSpec(t *testing.T) {
	testutil.Needs(t, testutil.StructOps, testutil.StructOpsLink)
	spec := parse(t, objectFile("structops"))
	ms := spec.Maps["demo_link"]
	want := map[string]string{"ssthresh": "demo_ssthresh", "cong_avoid": "demo_cong_avoid", "init": "demo_init", "undo_cwnd": "demo_undo_cwnd"}
	if diff := cmp.Diff(want, ms.StructOps); diff != "" {
		t.Error(diff)
	}
	if to := spec.Programs["demo_init"].AttachTo; to != "tcp_congestion_ops:init" {
		t.Error("AttachTo", to)
	}
	dup := spec.Copy()
	delete(ms.StructOps, "init")
	if dup.Maps["demo_link"].StructOps["init"] != "demo_init" {
		t.Error("the copy changed with the original")
	}

	// Without its only use, a program stays out.
	coll, err := NewCollection(spec)
	if err != nil {
		t.Fatal(err)
	}
	coll.Close()
	if coll.Programs["demo_init"] != nil {
		t.Error("demo_init was loaded, though no map has it any more")
	}

	// Another member gets a program, and the program another meaning.
	ms.StructOps["release"] = "demo_init"
	if coll, err = NewCollection(spec); err != nil {
		t.Fatal(err)
	}
	coll.Close()
	if coll.Programs["demo_init"] == nil {
		t.Error("demo_init wasn't loaded")
	}
	if to := spec.Programs["demo_init"].AttachTo; to != "tcp_congestion_ops:init" {
		t.Error("loading changed the spec: AttachTo", to)
	}
}

func TestStructOpsErrors(t *testing.T) {
	testutil.Needs(t, testutil.StructOps, testutil.StructOpsLink)
	for _, c := range []struct {
		name   string
		change func(*CollectionSpec, *MapSpec)
		want   string
	}{
		{
			"unknown struct",
			func(_ *CollectionSpec, ms *MapSpec) { ms.Value = &btf.Struct{Name: "tcp_congestion_op", Size: 80} },
			`map "demo_link": this kernel has no struct_ops "tcp_congestion_op" (did you mean "tcp_congestion_ops"?)`,
		}, {
			"program for a member that this kernel doesn't have",
			func(_ *CollectionSpec, ms *MapSpec) { ms.StructOps["not_in_any_kernel"] = "demo_init" },
			`"demo_init" is for tcp_congestion_ops:init already, and can't be for tcp_congestion_ops:not_in_any_kernel as well`,
		}, {
			"the same, as its only use",
			func(_ *CollectionSpec, ms *MapSpec) {
				delete(ms.StructOps, "init")
				ms.StructOps["not_in_any_kernel"] = "demo_init"
			},
			`map "demo_link": member not_in_any_kernel of struct tcp_congestion_ops: this kernel's struct doesn't have it, and it isn't zero`,
		}, {
			"value for a member that this kernel doesn't have",
			func(_ *CollectionSpec, ms *MapSpec) {
				i := slices.IndexFunc(ms.Value.(*btf.Struct).Members, func(m btf.Member) bool { return m.Name == "neither_is_this" })
				ms.Contents[0].Value.([]byte)[ms.Value.(*btf.Struct).Members[i].Offset.Bytes()] = 1
			},
			`member neither_is_this of struct tcp_congestion_ops: this kernel's struct doesn't have it, and it isn't zero`,
		}, {
			"program for a member that the object doesn't have",
			func(_ *CollectionSpec, ms *MapSpec) { ms.StructOps["in_it"] = "optional_init" },
			"programs for members that struct tcp_congestion_ops doesn't have",
		}, {
			"program for a number",
			func(_ *CollectionSpec, ms *MapSpec) { ms.StructOps["flags"] = "optional_init" },
			`can't have the program "optional_init"`,
		}, {
			"program of another type",
			func(cs *CollectionSpec, ms *MapSpec) {
				cs.Programs["other"] = returning(0)
				ms.StructOps["init"] = "other"
			},
			`contents of map "demo_link": program "other" is of type SocketFilter, not StructOps`,
		}, {
			"no such program",
			func(_ *CollectionSpec, ms *MapSpec) { ms.StructOps["init"] = "nowhere" },
			`map "demo_link": member init: program "nowhere": not in the collection`,
		}, {
			"pointer to something",
			func(_ *CollectionSpec, ms *MapSpec) {
				delete(ms.StructOps, "ssthresh")
				ms.Contents[0].Value.([]byte)[0] = 1
			},
			"member ssthresh of struct tcp_congestion_ops: it is a pointer to something that isn't a program",
		}, {
			"value too short",
			func(_ *CollectionSpec, ms *MapSpec) { ms.Contents[0].Value = []byte{1} },
			"MapSpec.Contents",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			testutil.CheckFDs(t)
			spec := parse(t, objectFile("structops"))
			for name := range spec.Maps {
				if name != "demo_link" && name[0] != '.' {
					delete(spec.Maps, name)
				}
			}
			c.change(spec, spec.Maps["demo_link"])
			coll, err := NewCollection(spec)
			if err == nil {
				coll.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// A program can be loaded without any map if it says what it is for.
func TestStructOpsProgramAlone(t *testing.T) {
	testutil.Needs(t, testutil.StructOps)
	for _, c := range []struct{ attachTo, want string }{
		{"tcp_congestion_ops:init", ""},
		{"tcp_congestion_ops___other:init", ""},
		{"", "no struct_ops has it"},
		{"tcp_congestion_ops", `isn't of the form "struct:member"`},
		{"tcp_congestion_ops:inti", `has no member "inti" (did you mean "init"?)`},
		{"not_in_any_kernel_ops:init", `this kernel has no struct_ops "not_in_any_kernel_ops"`},
	} {
		spec := parse(t, objectFile("structops")).Programs["optional_init"]
		spec.AttachTo = c.attachTo
		p, err := NewProgram(spec)
		if err == nil {
			p.Close()
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: got %v, want %q", c.attachTo, err, c.want)
		}
		if strings.Contains(fmt.Sprint(err), "this kernel") && !errors.Is(err, ErrNotSupported) {
			t.Errorf("%q: not ErrNotSupported: %v", c.attachTo, err)
		}
	}
}

// A struct_ops that was pinned stands in for a new one.
func TestStructOpsReplacement(t *testing.T) {
	testutil.Needs(t, testutil.StructOps, testutil.StructOpsLink)
	testutil.CheckFDs(t)
	spec := parse(t, objectFile("structops"))
	first, err := NewCollection(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := NewCollectionWithOptions(spec, CollectionOptions{MapReplacements: map[string]*Map{"demo_link": first.Maps["demo_link"]}})
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

// Older kernels have struct_ops, but no links to them.
func TestStructOpsLinkUnsupported(t *testing.T) {
	testutil.Needs(t, testutil.StructOps)
	if testutil.Lacks(testutil.StructOpsLink) == "" {
		t.Skip("needs a kernel older than 6.4")
	}
	_, err := NewCollection(parse(t, objectFile("structops")))
	if !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), `SEC(".struct_ops.link") needs Linux 6.4`) {
		t.Error(err)
	}
}
