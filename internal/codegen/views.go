package codegen

import (
	"fmt"
	"slices"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// View is a generic type of the runtime that a field has in place of a plain
// *ebpf.Map or *ebpf.Variable.
type View struct {
	Pkg  string // its import path
	Name string
	Args []ViewArg
}

// ViewArg is a type parameter: a view, or if that is nil, a Go type.
type ViewArg struct {
	View *View
	Type GoType
}

func viewOf(name string, args ...GoType) *View {
	v := &View{Pkg: runtimePath, Name: name}
	for _, arg := range args {
		v.Args = append(v.Args, ViewArg{Type: arg})
	}
	return v
}

// addViews gives maps and variables their views. Where C doesn't say what is in
// them, or Go can't, they stay untyped.
func (m *Model) addViews(obj *object.Object, types *typeBuilder) {
	for i := range m.Maps {
		item := &m.Maps[i]
		for _, decl := range obj.Maps {
			if decl.Name == item.C {
				item.View = types.mapView(decl)
				item.Comment = describeMap(decl)
			}
		}
	}
	for i := range m.Programs {
		for _, p := range obj.Programs {
			if p.Name == m.Programs[i].C {
				m.Programs[i].Comment = secOf(p.Section)
			}
		}
	}
	for i := range m.Variables {
		item := &m.Variables[i]
		for _, v := range obj.Variables {
			if v.Name == item.C {
				item.View, item.SpecView = types.variableViews(v, inMemory(obj, v.Section))
				item.Comment = v.Section
			}
		}
	}
}

// describeMap is what is to be known of a map besides its types.
func describeMap(decl *object.Map) string {
	text := decl.Type.String()
	switch {
	case decl.Kind == object.StructOpsMap:
		text = secOf(decl.Section)
	case decl.Type == uapi.MapTypeRingBuf || decl.Type == uapi.MapTypeUserRingbuf:
		text += fmt.Sprintf(" of %d bytes", decl.MaxEntries)
	case decl.MaxEntries == 1:
		text += " of one element"
	case decl.MaxEntries > 1:
		text += fmt.Sprintf(" of %d elements", decl.MaxEntries)
	}
	switch {
	case decl.Kind == object.StructOpsMap, decl.Type == uapi.MapTypeRingBuf, decl.Type == uapi.MapTypeUserRingbuf:
	case decl.KeySize > 0 && decl.ValueSize > 0:
		text += fmt.Sprintf(", keys of %d bytes, values of %d", decl.KeySize, decl.ValueSize)
	case decl.ValueSize > 0:
		text += fmt.Sprintf(", values of %d bytes", decl.ValueSize)
	}
	if decl.Pinning == uapi.PinByName {
		text += ", pinned by name"
	}
	if since := decl.Type.MinKernel(); since != (uapi.KernelVersion{}) {
		text += ", since Linux " + since.String()
	}
	return text
}

// inMemory tells whether user space may map the section that has a variable.
func inMemory(obj *object.Object, section string) bool {
	return slices.ContainsFunc(obj.Maps, func(m *object.Map) bool {
		return m.Name == section && (m.Flags&uapi.MapFlagMmapable != 0 || m.Type == uapi.MapTypeArena)
	})
}

// known is the Go type for a C type, if it is of a size and all its structs are
// declared.
func (b *typeBuilder) known(ref btf.TypeRef, size uint32) (GoType, bool) {
	if ref.IsZero() {
		return GoType{}, false
	}
	typ, err := ref.Type()
	if err != nil {
		return GoType{}, false
	}
	if v, ok := typ.(*btf.Var); ok {
		typ = v.Type
	}
	if core, _, _ := peelArrays(typ); isComposite(core) && b.names[core].name == "" {
		return GoType{}, false // -no-global-types
	}
	t, err := b.goType(typ, place{}, 0)
	if err != nil || t.Size == 0 || size != 0 && t.Size != size {
		return GoType{}, false
	}
	return t, true
}

// keyedViews are the views that have a key and a value.
var keyedViews = map[uapi.MapType]string{
	uapi.MapTypeHash:        "HashMap",
	uapi.MapTypeLRUHash:     "HashMap",
	uapi.MapTypeRHash:       "HashMap",
	uapi.MapTypeStackTrace:  "HashMap",
	uapi.MapTypeDevMap:      "HashMap",
	uapi.MapTypeDevMapHash:  "HashMap",
	uapi.MapTypeCPUMap:      "HashMap",
	uapi.MapTypeArray:       "ArrayMap",
	uapi.MapTypePerCPUHash:  "PerCPUHashMap",
	uapi.MapTypeLRUCPUHash:  "PerCPUHashMap",
	uapi.MapTypePerCPUArray: "PerCPUArrayMap",
	uapi.MapTypeLPMTrie:     "LPMTrieMap",
}

// mapView is the view of a map, nil if it is to be untyped.
func (b *typeBuilder) mapView(decl *object.Map) *View {
	value, hasValue := b.known(decl.Value, 0)
	key, hasKey := b.known(decl.Key, decl.KeySize)
	fits := value.Size == decl.ValueSize
	if name := keyedViews[decl.Type]; name != "" {
		if !hasKey || !hasValue || !fits {
			return nil
		}
		if name == "ArrayMap" && decl.Flags&uapi.MapFlagMmapable != 0 && decl.MaxEntries > 0 && value.Size%8 == 0 {
			name = "SharedArrayMap"
		}
		return viewOf(name, key, value)
	}
	if !hasKey {
		key = intType(4, false)
		hasKey = decl.KeySize == 0 || decl.KeySize == 4
	}
	switch decl.Type {
	case uapi.MapTypeQueue, uapi.MapTypeStack:
		return viewIf(hasValue && fits, "QueueMap", value)
	case uapi.MapTypeBloomFilter:
		return viewIf(hasValue && fits, "BloomFilterMap", value)
	case uapi.MapTypeSkStorage, uapi.MapTypeTaskStorage, uapi.MapTypeInodeStorage, uapi.MapTypeCgrpStorage:
		return viewIf(hasValue && fits, "StorageMap", value)
	case uapi.MapTypeRingBuf:
		return viewIf(hasValue, "Events", value).of(ringbufPath)
	case uapi.MapTypeUserRingbuf:
		return viewIf(hasValue, "Commands", value).of(ringbufPath)
	case uapi.MapTypePerfEventArray:
		return viewIf(hasValue && isEvent(decl, value), "Events", value).of(perfPath)
	case uapi.MapTypeProgramArray:
		return viewIf(hasKey, "ProgramArrayMap", key)
	case uapi.MapTypeSockMap, uapi.MapTypeSockHash, uapi.MapTypeXSKMap, uapi.MapTypeReusePortSockArray, uapi.MapTypeCGroupArray:
		return viewIf(hasKey, "SocketMap", key)
	case uapi.MapTypeArrayOfMaps, uapi.MapTypeHashOfMaps:
		if !hasKey || decl.Inner == nil {
			return nil
		}
		inner := b.mapView(decl.Inner)
		if inner == nil {
			inner = &View{Pkg: runtimePath, Name: "*Map"}
		}
		view := viewOf("MapOfMaps", key)
		view.Args = append(view.Args, ViewArg{View: inner})
		return view
	}
	return nil
}

// of is the view, if it isn't nil, of another package.
func (v *View) of(pkg string) *View {
	if v != nil {
		v.Pkg = pkg
	}
	return v
}

func viewIf(ok bool, name string, arg GoType) *View {
	if !ok {
		return nil
	}
	return viewOf(name, arg)
}

// variableViews are those of a variable after and before it is loaded. After,
// it has to be in memory.
func (b *typeBuilder) variableViews(v *object.Variable, mapped bool) (view, spec *View) {
	t, ok := b.known(v.Type, v.Size)
	if !ok {
		return nil, nil
	}
	spec = viewOf("VarSpec", t)
	if !mapped || v.Offset%t.Align != 0 {
		return nil, spec
	}
	name := "Var"
	switch {
	case v.ReadOnly:
		name = "Const"
	case slices.Contains([]string{"int32", "uint32", "int64", "uint64"}, t.Name):
		name = "IntVar"
	}
	return viewOf(name, t), spec
}
