package ebpf

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// MapSpec describes a map that doesn't exist yet.
type MapSpec struct {
	// Name is what the kernel shows people. It takes 15 letters, digits, '_'
	// and '.'; other characters become '_'.
	Name string
	Type MapType
	// KeySize and ValueSize are in bytes. The size of a per-CPU value is that
	// of one CPU.
	KeySize   uint32
	ValueSize uint32
	// MaxEntries is the number of elements; of a ring buffer, the number of
	// bytes, which loading rounds up to what the kernel takes. Perf event
	// arrays have at most, and by default, one element a CPU.
	MaxEntries uint32

	// Flags are those of BPF_MAP_CREATE.
	Flags uint32

	// Pinning says whether the map is shared as a file in MapOptions.PinPath.
	Pinning PinType

	// NumaNode is where memory comes from, if Flags has BPF_F_NUMA_NODE.
	NumaNode uint32

	// Contents are the first elements. May be nil. A value that is a string
	// names a map or program of the same collection.
	Contents []MapKV

	// InnerMap describes the maps that a map of maps takes as values.
	InnerMap *MapSpec

	// MapExtra means something to some map types. Needs 5.16.
	MapExtra uint64

	// Extra is what the struct that defines a legacy map has behind its flags,
	// nil if nothing. What iproute2 and the kernel's samples have there is in
	// the other fields already. Loading ignores it.
	Extra *bytes.Reader

	// Key and Value are the types of keys and values. May be nil. In a spec from
	// LoadEncodedSpec they are nil until Decode.
	Key, Value btf.Type

	// StructOps says of a struct_ops map which programs of the collection its
	// functions are, by member. Members can be added, changed and deleted until
	// the map is loaded. A program that is deleted from the collection is missing
	// in the map, too.
	StructOps map[string]string

	// Optional maps are left out by NewCollection, unless another part of the
	// collection refers to them. LoadAndAssign loads them if they are named.
	// SEC("?.struct_ops") makes a map optional.
	Optional bool

	// Tags are the map's __attribute__((btf_decl_tag("..."))).
	Tags []string

	freeze bool // read-only for user space once filled
	data   bool // holds global variables; the kernel need not let us map it

	members map[string]string // StructOps as the object has it

	// kconfig is what the kernel's configuration has to say: if the spec has no
	// contents, loading asks for it.
	kconfig []*object.Extern

	encoded *object.Map // what has the types of key and value, nil once they are decoded
}

// MapKV is an element of a map's initial contents.
type MapKV struct {
	Key   any
	Value any
}

// declared fills in ms with what an object file says.
func (ms *MapSpec) declared(m *object.Map) {
	*ms = MapSpec{
		Name:       m.Name,
		Type:       MapType(m.Type),
		KeySize:    m.KeySize,
		ValueSize:  m.ValueSize,
		MaxEntries: m.MaxEntries,
		Flags:      m.Flags,
		Pinning:    PinType(m.Pinning),
		NumaNode:   m.NUMANode,
		MapExtra:   m.MapExtra,
		Optional:   m.Optional,
		Tags:       m.Tags,
		freeze:     m.Freeze,
		data:       m.Kind == object.DataMap,
		encoded:    m,
	}
	if m.Extra != nil {
		ms.Extra = bytes.NewReader(m.Extra)
	}
	if m.Inner != nil {
		ms.InnerMap = new(MapSpec)
		ms.InnerMap.declared(m.Inner)
	}
	ms.declaredContents(m)
}

func (ms *MapSpec) declaredContents(m *object.Map) {
	if ms.data {
		value := make([]byte, m.ValueSize)
		copy(value, m.Data)
		ms.Contents = []MapKV{{Key: uint32(0), Value: value}}
		return
	}
	if ms.Type == Arena && m.Data != nil {
		ms.Contents = []MapKV{{Key: uint32(0), Value: bytes.Clone(m.Data)}}
		return
	}
	if m.Kind == object.StructOpsMap {
		ms.declaredStructOps(m)
		return
	}
	if len(m.Values) == 0 {
		return
	}
	ms.Contents = make([]MapKV, 0, len(m.Values))
	for _, v := range m.Values {
		ms.Contents = append(ms.Contents, MapKV{Key: v.Index, Value: v.Name})
	}
}

func (ms *MapSpec) declaredStructOps(m *object.Map) {
	ms.Key = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	ms.Contents = []MapKV{{Key: uint32(0), Value: bytes.Clone(m.Data)}}
	ms.StructOps = make(map[string]string, len(m.Values))
	for _, v := range m.Values {
		ms.StructOps[v.Member] = v.Name
	}
	ms.members = cloneMap(ms.StructOps)
}

// bytes is the memory of a data map's only element, or of an arena's beginning,
// which its variables share; nil for other maps.
func (ms *MapSpec) bytes() []byte {
	if ms == nil || !ms.data && ms.Type != Arena || len(ms.Contents) != 1 {
		return nil
	}
	value, _ := ms.Contents[0].Value.([]byte)
	return value
}

// String names the map and what it is.
func (ms *MapSpec) String() string {
	return fmt.Sprintf("%s(keySize=%d, valueSize=%d, maxEntries=%d, flags=%d)",
		ms.Type, ms.KeySize, ms.ValueSize, ms.MaxEntries, ms.Flags)
}

// Copy is a deep copy. In Contents, values of type []byte are copied, others
// are the same as before.
func (ms *MapSpec) Copy() *MapSpec {
	if ms == nil {
		return nil
	}
	dup := *ms
	dup.Contents = slices.Clone(ms.Contents)
	for i := range dup.Contents {
		kv := &dup.Contents[i]
		kv.Key, kv.Value = copyBytes(kv.Key), copyBytes(kv.Value)
	}
	if ms.Extra != nil {
		extra := *ms.Extra
		dup.Extra = &extra
	}
	dup.InnerMap = ms.InnerMap.Copy()
	dup.Tags = slices.Clone(ms.Tags)
	dup.StructOps = cloneMap(ms.StructOps)
	return &dup
}

func copyBytes(v any) any {
	if b, ok := v.([]byte); ok {
		return bytes.Clone(b)
	}
	return v
}

// attribute is one thing that a spec and an existing map have to agree on.
type attribute struct {
	name     string
	has, own any // of the map, of the spec
}

// Compatible tells whether m may stand in for a map made from ms: nil, or an
// error that wraps ErrMapIncompatible and names what differs.
func (ms *MapSpec) Compatible(m *Map) error {
	want, err := ms.asCreated()
	if err != nil {
		return err
	}
	var diffs []string
	for _, a := range []attribute{
		{"type", m.typ, want.Type},
		{"key size", m.keySize, want.KeySize},
		{"value size", comparableValueSize(m.valueSize, want), comparableValueSize(want.ValueSize, want)},
		{"max entries", m.maxEntries, want.MaxEntries},
		{"flags", comparableFlags(m.flags, want), comparableFlags(want.Flags, want)},
	} {
		if a.has != a.own {
			diffs = append(diffs, fmt.Sprintf("%s: the map has %v, the spec %v", a.name, a.has, a.own))
		}
	}
	if len(diffs) > 0 {
		return fmt.Errorf("%w: %s", ErrMapIncompatible, strings.Join(diffs, "; "))
	}
	return nil
}

// comparableValueSize leaves out the size of structs that the kernel decides about.
func comparableValueSize(size uint32, ms *MapSpec) uint32 {
	if ms.Type == StructOpsMap {
		return 0
	}
	return size
}

// comparableFlags leaves out flags that are not a property of the map, or that
// the kernel sets or ignores by itself.
func comparableFlags(flags uint32, ms *MapSpec) uint32 {
	flags &^= uapi.MapFlagRdonly | uapi.MapFlagWronly // of the descriptor
	flags &^= uapi.MapFlagVtypeBTFObj                 // where the kernel has the type
	if ms.Type == DevMap || ms.Type == DevMapHash {
		flags &^= uapi.MapFlagRdonlyProg // the kernel adds it
	}
	return flags
}
