package ebpf

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/nearest"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// structOpsPrefix begins the names of the kernel's types for values of struct_ops
// maps, each of which has the struct itself as a member.
const structOpsPrefix = "bpf_struct_ops_"

// structOpsKind is a struct of this kernel whose functions can be programs.
type structOpsKind struct {
	module string // that has it, "" for vmlinux
	types  *rawbtf.BTF
	value  rawbtf.Type // of maps
	ops    rawbtf.Type // the struct itself
	offset uint32      // of ops in value, in bytes
}

// structOpsKind looks for a struct by name. A suffix after "___" is the object's
// own way to tell declarations of the same struct apart.
func (kt *kernelTypes) structOpsKind(name string) (*structOpsKind, error) {
	name = rawbtf.EssentialName(name)
	if kind := kt.structOps[name]; kind != nil {
		return kind, nil
	}
	query := rawbtf.Query{Name: structOpsPrefix + name, Kinds: rawbtf.Kinds(rawbtf.KindStruct)}
	targets, err := kt.find([]attachQuery{{Query: query}})
	if err != nil {
		return nil, err
	}
	if targets[0].id == 0 {
		return nil, fmt.Errorf("this kernel has no struct_ops %q%s (no struct %s in its types): %w",
			name, kt.didYouMean(query), query.Name, ErrNotSupported)
	}
	spec, err := kt.running(targets[0].module)
	if err != nil {
		return nil, err
	}
	kind := &structOpsKind{module: targets[0].module, types: spec.Records()}
	if kind.value, err = kind.types.Type(uint32(targets[0].id)); err == nil {
		err = kind.findOps(name)
	}
	if err != nil {
		return nil, fmt.Errorf("struct %s of this kernel: %w", query.Name, err)
	}
	if kt.structOps == nil {
		kt.structOps = make(map[string]*structOpsKind)
	}
	kt.structOps[name] = kind
	return kind, nil
}

// findOps finds the struct itself in the value.
func (k *structOpsKind) findOps(name string) error {
	for i := range k.value.Vlen() {
		member := k.value.Member(i)
		typ, err := k.types.Resolve(member.Type)
		if err != nil {
			return err
		}
		if typ.Kind() == rawbtf.KindStruct && typ.NameIs(name) {
			k.ops, k.offset = typ, member.Offset/8
			return nil
		}
	}
	return fmt.Errorf("it has no member of type struct %s", name)
}

// member finds a member of the struct by name, whose index counts as attach type.
func (k *structOpsKind) member(name string) (index int, member rawbtf.Member, ok bool) {
	for i := range k.ops.Vlen() {
		if m := k.ops.Member(i); k.types.NameIs(m.NameOff, name) {
			return i, m, true
		}
	}
	return 0, rawbtf.Member{}, false
}

// names are the members of the struct.
func (k *structOpsKind) names(yield func(string) bool) {
	for i := range k.ops.Vlen() {
		if name, err := k.types.Name(k.ops.Member(i).NameOff); err == nil && !yield(name) {
			return
		}
	}
}

// structOpsTarget is what a program for "struct:member" is checked against.
func (kt *kernelTypes) structOpsTarget(attachTo string) (attachTarget, error) {
	name, member, ok := strings.Cut(attachTo, ":")
	if attachTo == "" {
		return attachTarget{}, errors.New(`no struct_ops has it: point a member of a SEC(".struct_ops") or SEC(".struct_ops.link") variable to it, or set ProgramSpec.AttachTo to "struct:member" before loading`)
	}
	if !ok {
		return attachTarget{}, fmt.Errorf("ProgramSpec.AttachTo %q isn't of the form \"struct:member\"", attachTo)
	}
	kind, err := kt.structOpsKind(name)
	if err != nil {
		return attachTarget{}, err
	}
	index, _, ok := kind.member(member)
	if !ok {
		return attachTarget{}, fmt.Errorf("struct %s of this kernel has no member %q%s: %w",
			rawbtf.EssentialName(name), member, didYouMean(member, kind.names), ErrNotSupported)
	}
	return attachTarget{id: btf.TypeID(kind.ops.ID()), module: kind.module, member: uint32(index), isMember: true}, nil
}

// withMembers says of programs in those maps which members they are for. One
// program can be a part of several maps, but has to be the same in each.
func (cs *CollectionSpec) withMembers(programs []*ProgramSpec, names, maps []string) error {
	uses := make(map[string]string)
	for _, name := range maps {
		ms := cs.Maps[name]
		for _, member := range sortedKeys(ms.StructOps) {
			program := ms.StructOps[member]
			use := ms.structName() + ":" + member
			if other, ok := uses[program]; ok && other != use {
				return fmt.Errorf("map %q: program %q is for %s already, and can't be for %s as well", name, program, other, use)
			}
			uses[program] = use
		}
	}
	for i, name := range names {
		ps := programs[i]
		use, ok := uses[name]
		if !ok || ps.AttachTo == use {
			continue
		}
		dup := *ps // the spec is the caller's
		dup.AttachTo = use
		programs[i] = &dup
	}
	return nil
}

// structName is the name of a struct_ops' type in the kernel.
func (ms *MapSpec) structName() string {
	typ, ok := btf.As[*btf.Struct](ms.Value)
	if !ok {
		return ""
	}
	return rawbtf.EssentialName(typ.Name)
}

// structOpsValue is what goes into a struct_ops map.
type structOpsValue struct {
	kind     *structOpsKind
	data     []byte
	programs []structOpsSlot
}

// structOpsSlot is a pointer to a program in it.
type structOpsSlot struct {
	offset  uint32
	program string
}

// addStructOps makes the value that this kernel wants of the one in the spec.
func (ti *typeInfo) addStructOps(ms *MapSpec, kt *kernelTypes) error {
	typ, ok := btf.As[*btf.Struct](ms.Value)
	if !ok {
		return fmt.Errorf("MapSpec.Value is %v: it has to be the struct that the functions are in", ms.Value)
	}
	data, err := ms.structOpsData(typ)
	if err != nil {
		return err
	}
	kind, err := kt.structOpsKind(typ.Name)
	if err != nil {
		return err
	}
	value := &structOpsValue{kind: kind, data: make([]byte, kind.value.Size())}
	left := len(ms.StructOps)
	for _, m := range typ.Members {
		program := ms.StructOps[m.Name]
		if program != "" {
			left--
		}
		if err := value.add(m, data, program); err != nil {
			return fmt.Errorf("member %s of struct %s: %w", m.Name, typ.Name, err)
		}
	}
	if left > 0 {
		return fmt.Errorf("MapSpec.StructOps has programs for members that struct %s doesn't have, or twice: %v", typ.Name, sortedKeys(ms.StructOps))
	}
	if ti.structOps == nil {
		ti.structOps = make(map[*MapSpec]*structOpsValue)
	}
	ti.structOps[ms] = value
	// The kernel insists on BTF of the object, though it has no use for it.
	_, err = ti.builder.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.Signed})
	return err
}

// structOpsData is the struct as the object declares it.
func (ms *MapSpec) structOpsData(typ *btf.Struct) ([]byte, error) {
	data := make([]byte, typ.Size)
	switch len(ms.Contents) {
	case 0:
		return data, nil
	case 1:
	default:
		return nil, fmt.Errorf("it has one element, not the %d of MapSpec.Contents", len(ms.Contents))
	}
	if err := (&codec{size: len(data)}).marshal(data, ms.Contents[0].Value); err != nil {
		return nil, fmt.Errorf("MapSpec.Contents: %w", err)
	}
	return data, nil
}

// add brings one member to where this kernel has it. What the kernel doesn't
// have can be left out if it says nothing.
func (v *structOpsValue) add(m btf.Member, data []byte, program string) error {
	size, err := btf.Sizeof(m.Type)
	if err != nil {
		return err
	}
	start := uint64(m.Offset.Bytes())
	if start+uint64(size) > uint64(len(data)) {
		return fmt.Errorf("%d bytes at offset %d exceed the struct", size, start)
	}
	src := data[start:][:size]
	_, km, ok := v.kind.member(m.Name)
	if !ok {
		if program != "" || !isZero(src) {
			return fmt.Errorf("this kernel's struct doesn't have it%s, and it isn't zero: %w", didYouMean(m.Name, v.kind.names), ErrNotSupported)
		}
		return nil
	}
	if m.BitfieldSize != 0 || km.Bitfield != 0 {
		return fmt.Errorf("it is a bitfield: %w", ErrNotSupported)
	}
	typ, err := v.kind.types.Resolve(km.Type)
	if err != nil {
		return err
	}
	if !sameShape(m.Type, typ.Kind()) {
		return fmt.Errorf("the kernel has it as %v, the object as %v: %w", typ.Kind(), m.Type, ErrNotSupported)
	}
	offset := v.kind.offset + km.Offset/8
	if typ.Kind() == rawbtf.KindPointer {
		return v.addPointer(typ, offset, src, program)
	}
	kernelSize, err := v.kind.types.Sizeof(km.Type)
	switch {
	case err != nil:
		return err
	case program != "":
		return fmt.Errorf("it is no pointer to a function, and can't have the program %q", program)
	case int(kernelSize) != size || uint64(offset)+uint64(size) > uint64(len(v.data)):
		return fmt.Errorf("it has %d bytes, in the kernel %d: %w", size, kernelSize, ErrNotSupported)
	}
	copy(v.data[offset:], src)
	return nil
}

func (v *structOpsValue) addPointer(typ rawbtf.Type, offset uint32, src []byte, program string) error {
	if program == "" {
		if !isZero(src) {
			return errors.New("it is a pointer to something that isn't a program")
		}
		return nil
	}
	target, err := v.kind.types.Resolve(typ.TypeID())
	switch {
	case err != nil:
		return err
	case target.Kind() != rawbtf.KindFuncProto:
		return fmt.Errorf("in the kernel it is no pointer to a function, and can't have the program %q: %w", program, ErrNotSupported)
	case uint64(offset)+8 > uint64(len(v.data)):
		return errors.New("it is beyond the end of the kernel's struct")
	}
	v.programs = append(v.programs, structOpsSlot{offset, program})
	return nil
}

// sameShape tells whether a type of the object can stand for one of the kernel.
func sameShape(typ btf.Type, kind rawbtf.Kind) bool {
	switch btf.UnderlyingType(typ).(type) {
	case *btf.Int:
		return kind == rawbtf.KindInt
	case *btf.Pointer:
		return kind == rawbtf.KindPointer
	case *btf.Array:
		return kind == rawbtf.KindArray
	case *btf.Struct:
		return kind == rawbtf.KindStruct
	case *btf.Union:
		return kind == rawbtf.KindUnion
	case *btf.Enum:
		return kind == rawbtf.KindEnum || kind == rawbtf.KindEnum64
	case *btf.Float:
		return kind == rawbtf.KindFloat
	}
	return false
}

// describeStructOps says in attr what struct of the kernel a map is for.
func (ti *typeInfo) describeStructOps(ms *MapSpec, attr *kernel.MapCreateAttr) error {
	value := ti.structOps[ms]
	if value == nil {
		return nil
	}
	attr.ValueSize = value.kind.value.Size()
	attr.BTFVmlinuxValueTypeID = value.kind.value.ID()
	if ti.fd != nil {
		attr.BTFFD = uint32(ti.fd.Int())
	}
	if value.kind.module == "" {
		return nil
	}
	slot, err := ti.modules.open(value.kind.module)
	if err != nil {
		return err
	}
	attr.ValueTypeBTFObjFD = int32(ti.modules.fd(slot))
	attr.MapFlags |= uapi.MapFlagVtypeBTFObj
	return nil
}

// fillStructOps prepares the values of fresh struct_ops maps, now that there are
// programs. Those that a link attaches are also written, if the kernel lets us:
// what it objects to is a matter of attaching, not of loading.
func fillStructOps(cs *CollectionSpec, coll *Collection, fresh []*Map, ti *typeInfo) error {
	for _, name := range sortedKeys(coll.Maps) {
		m := coll.Maps[name]
		if m.typ != StructOpsMap || !slices.Contains(fresh, m) {
			continue
		}
		ops, err := newStructOps(ti.structOps[cs.Maps[name]], coll.Programs)
		if err != nil {
			return fmt.Errorf("contents of map %q: %w", name, err)
		}
		m.ops = ops
		if m.flags&uapi.MapFlagLink != 0 {
			_ = m.RegisterStructOps()
		}
	}
	return nil
}

func newStructOps(value *structOpsValue, programs map[string]*Program) (_ *structOps, err error) {
	ops := &structOps{data: value.data}
	defer func() {
		if err != nil {
			ops.release()
		}
	}()
	for _, slot := range value.programs {
		p := programs[slot.program]
		if p == nil {
			continue // deleted from the spec
		}
		if p.typ != StructOps {
			return nil, fmt.Errorf("program %q is of type %s, not %s", slot.program, p.typ, StructOps)
		}
		fd, err := p.fd.Dup()
		if err != nil {
			return nil, fmt.Errorf("program %q: %w", slot.program, err)
		}
		ops.programs = append(ops.programs, structOpsProgram{slot.offset, fd})
	}
	return ops, nil
}

// didYouMean is ` (did you mean "name"?)`, or nothing if no name is near.
func didYouMean(name string, names func(yield func(string) bool)) string {
	return suggest(nearest.Names(name, 1, names))
}

// suggest is ` (did you mean "one" or "another"?)`, or nothing without names.
func suggest(names []string) string {
	if len(names) == 0 {
		return ""
	}
	for i, name := range names {
		names[i] = strconv.Quote(name)
	}
	return fmt.Sprintf(" (did you mean %s?)", strings.Join(names, " or "))
}

// didYouMean looks among the kernel's types of the same kinds and prefix.
func (kt *kernelTypes) didYouMean(query rawbtf.Query) string {
	vmlinux, err := kt.running("")
	if err != nil {
		return ""
	}
	prefix := ""
	for _, p := range [...]string{structOpsPrefix, "btf_trace_", "bpf_lsm_", "bpf_iter_"} {
		if strings.HasPrefix(query.Name, p) {
			prefix = p
		}
	}
	return suggest(nearest.Functions(strings.TrimPrefix(query.Name, prefix), 2, func(yield func(string) bool) {
		for typ := range vmlinux.Records().All() {
			if !query.Kinds.Has(typ.Kind()) {
				continue
			}
			name, err := typ.Name()
			if name, ok := strings.CutPrefix(name, prefix); err == nil && ok && !yield(name) {
				return
			}
		}
	}))
}
