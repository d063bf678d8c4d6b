package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/bpfgen/bpfgen/internal/chain"
	"github.com/bpfgen/bpfgen/internal/corerelo"
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// kernelTypes are the types of the kernel that programs are loaded into. They
// are opened when something asks for them.
type kernelTypes struct {
	given  *btf.Spec
	extras []*btf.Spec
	cache  *btf.Cache

	structOps map[string]*structOpsKind // those that were looked for, by name
}

func newKernelTypes(opts *ProgramOptions, cache *btf.Cache) *kernelTypes {
	if cache == nil {
		cache = btf.NewCache()
	}
	return &kernelTypes{given: opts.KernelTypes, extras: opts.ExtraRelocationTargets, cache: cache}
}

// vmlinux are the types of the kernel without its modules.
func (kt *kernelTypes) vmlinux() (*btf.Spec, error) {
	if kt.given != nil {
		return kt.given, nil
	}
	spec, err := kt.cache.Kernel()
	if err != nil {
		return nil, fmt.Errorf("types of the kernel: %w", err)
	}
	return spec, nil
}

// relocationModules are the types of the kernel's modules, or what was given
// in their place.
func (kt *kernelTypes) relocationModules() ([]corerelo.Module, error) {
	var modules []corerelo.Module
	for _, spec := range kt.extras {
		modules = append(modules, corerelo.Module{Name: "(given)", Types: spec})
	}
	if kt.given != nil || kt.extras != nil {
		return modules, nil
	}
	return kt.modules()
}

// modules are the types of the kernel's modules.
func (kt *kernelTypes) modules() ([]corerelo.Module, error) {
	var modules []corerelo.Module
	names, err := kt.cache.Modules()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		spec, err := kt.cache.Module(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // unloaded meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", name, err)
		}
		modules = append(modules, corerelo.Module{Name: name, Types: spec})
	}
	return modules, nil
}

// code is a program as this kernel shall have it.
type code struct {
	insns              asm.Instructions // maps are still names
	funcInfo, lineInfo []byte
	target             attachTarget
	tables             bool // it has jump tables
}

// typeIDs are those of a map's key and value.
type typeIDs struct{ key, value btf.TypeID }

// typeInfo is the one BTF that all maps and programs of a collection share. It
// has what they need and nothing else.
type typeInfo struct {
	builder btf.Builder
	object  *btf.Spec // where most types are from
	maps    map[*MapSpec]typeIDs
	modules moduleTable
	token   *token // by whose right all of it is loaded

	structOps map[*MapSpec]*structOpsValue

	fd      *kernel.FD // nil if there is nothing to describe, or if refused
	refused error      // why the kernel doesn't take it
}

// close ends the loader's own use of the BTF. Maps and programs keep it.
func (ti *typeInfo) close() {
	ti.modules.close()
	if ti.fd != nil {
		_ = ti.fd.Close()
	}
}

// describe makes the code for all programs, and one BTF for everything.
func describe(cs *CollectionSpec, want selection, programs []*ProgramSpec, opts *CollectionOptions, t *token) (*typeInfo, []code, error) {
	var maps []*MapSpec
	for _, name := range want.maps {
		if opts.MapReplacements[name] == nil {
			maps = append(maps, cs.Maps[name])
		}
	}
	return describePrograms(programs, maps, cs.Types, newKernelTypes(&opts.Programs, opts.Cache), t)
}

func describePrograms(programs []*ProgramSpec, maps []*MapSpec, object *btf.Spec, kt *kernelTypes, t *token) (_ *typeInfo, _ []code, err error) {
	ti := &typeInfo{object: object, token: t, maps: make(map[*MapSpec]typeIDs, len(maps))}
	defer func() {
		if err != nil {
			ti.close()
		}
	}()
	codes, err := relocate(programs, kt, &ti.builder)
	if err != nil {
		return nil, nil, err
	}
	if err := linkKsyms(programs, codes, kt, &ti.modules); err != nil {
		return nil, nil, err
	}
	for _, spec := range maps {
		add := ti.addMap
		if spec.Type == StructOpsMap {
			add = func(spec *MapSpec) error { return ti.addStructOps(spec, kt) }
		}
		if err := add(spec); err != nil {
			return nil, nil, fmt.Errorf("map %q: %w", spec.Name, err)
		}
	}
	old := !kernel.AtLeast(contextTags)
	for i := range codes {
		err := codes[i].describe(&ti.builder)
		if err == nil && old {
			err = codes[i].forOldKernel(programs[i].Type, &ti.builder)
		}
		if err != nil {
			return nil, nil, programs[i].fail(err)
		}
	}
	if err := findTargets(programs, codes, kt, t); err != nil {
		return nil, nil, err
	}
	return ti, codes, ti.load()
}

// relocate is the programs' instructions for this kernel. All relocations are
// solved together, because that means one look through the kernel's types.
// Instructions without relocations are those of the specs.
func relocate(programs []*ProgramSpec, kt *kernelTypes, types *btf.Builder) ([]code, error) {
	codes := make([]code, len(programs))
	var relos []corerelo.Reloc
	var where []relocated
	for i, ps := range programs {
		insns := ps.Instructions
		if slices.ContainsFunc(insns, dependsOnKernel) {
			insns = slices.Clone(insns)
			for j := range insns {
				codes[i].tables = codes[i].tables || insns[j].JumpTable() != nil
				if relo := insns[j].CORERelocation(); relo != nil {
					relos = append(relos, corerelo.Reloc{CORERelocation: relo, Ins: &insns[j]})
					where = append(where, relocated{ps, &insns[j]})
				}
			}
		}
		codes[i].insns = insns
	}
	if len(relos) == 0 {
		return codes, nil
	}
	if err := keepLocalIDs(relos, types); err != nil {
		return nil, err
	}
	target := corerelo.Target{Modules: kt.relocationModules, LocalID: types.AddRef}
	if needsKernel(relos) {
		var err error
		if target.Kernel, err = kt.vmlinux(); err != nil {
			return nil, fmt.Errorf("CO-RE relocation: %w", err)
		}
	}
	fixups, err := corerelo.Relocate(relos, target)
	if err != nil {
		return nil, blame(err, where)
	}
	for i := range fixups {
		if err := fixups[i].Apply(where[i].ins); err != nil {
			return nil, where[i].program.fail(err)
		}
	}
	return codes, nil
}

// relocated is an instruction to relocate.
type relocated struct {
	program *ProgramSpec
	ins     *asm.Instruction
}

// blame names the program whose relocation an error is about.
func blame(err error, where []relocated) error {
	if e, ok := chain.As[*corerelo.Error](err); ok && e.Index >= 0 && e.Index < len(where) {
		return where[e.Index].program.fail(err)
	}
	return err
}

// dependsOnKernel tells whether an instruction differs from kernel to kernel, or
// from load to load.
func dependsOnKernel(ins asm.Instruction) bool {
	return ins.CORERelocation() != nil || isKsym(&ins) || ins.JumpTable() != nil
}

// keepLocalIDs has the kernel get the types of an object under the IDs that they
// have there, if instructions depend on them: then those are the same as what
// libbpf, which sends all types, makes of them.
func keepLocalIDs(relos []corerelo.Reloc, types *btf.Builder) error {
	for _, r := range relos {
		if r.Kind == btf.CORETypeIDLocal && !r.Type.IsZero() {
			return types.KeepIDs(r.Type.Spec())
		}
	}
	return nil
}

// needsKernel tells whether relocations are about the kernel's types.
func needsKernel(relos []corerelo.Reloc) bool {
	return slices.ContainsFunc(relos, func(r corerelo.Reloc) bool { return r.Kind != btf.CORETypeIDLocal })
}

// describe adds functions and lines of a program to the BTF.
func (c *code) describe(b *btf.Builder) (err error) {
	c.funcInfo, c.lineInfo, err = asm.MarshalExtInfos(c.insns, b, binary.NativeEndian)
	return err
}

// addMap adds key and value of a map, and of its inner map.
func (ti *typeInfo) addMap(spec *MapSpec) error {
	if spec.InnerMap != nil {
		if err := ti.addMap(spec.InnerMap); err != nil {
			return fmt.Errorf("inner map: %w", err)
		}
	}
	if !spec.takesTypes() {
		return nil
	}
	var ids typeIDs
	var err error
	if ids.key, err = ti.add(spec.Key); err != nil {
		return fmt.Errorf("type of key: %w", err)
	}
	if ids.value, err = ti.add(spec.Value); err != nil {
		return fmt.Errorf("type of value: %w", err)
	}
	ti.maps[spec] = ids
	return nil
}

// add copies a type as the object has it, or else encodes it.
func (ti *typeInfo) add(typ btf.Type) (btf.TypeID, error) {
	if typ == nil {
		return 0, nil
	}
	if ti.object != nil {
		if id, err := ti.object.TypeID(typ); err == nil {
			if id == 0 {
				return 0, nil
			}
			return ti.builder.AddRef(ti.object.Ref(id))
		}
	}
	return ti.builder.Add(typ)
}

// load gives the BTF to the kernel. That the kernel refuses it is no error yet:
// most maps and programs can do without.
func (ti *typeInfo) load() error {
	if ti.builder.Empty() {
		return nil
	}
	plain := btf.MarshalOptions{PreventNoTypeFound: true}
	blob, err := ti.builder.Marshal(nil, &plain)
	if err != nil {
		return fmt.Errorf("types for the kernel: %w", err)
	}
	attr := kernel.BTFLoadAttr{BTF: kernel.Bytes(blob), BTFSize: uint32(len(blob))}
	ti.token.addToTypes(&attr)
	if ti.fd, err = kernel.BTFLoad(&attr); err == nil {
		return nil
	}
	if opts := btf.KernelMarshalOptions(); *opts != plain {
		if blob, err = ti.builder.Marshal(nil, opts); err != nil {
			return fmt.Errorf("types for the kernel: %w", err)
		}
	}
	ti.fd, ti.refused = loadTypesWithLog(blob, ti.token)
	return nil
}

// loadTypesWithLog is for BTF that the kernel refused before.
func loadTypesWithLog(blob []byte, t *token) (*kernel.FD, error) {
	fd, log, err := withLog(0, func(level uint32, log []byte) (*kernel.FD, uint32, error) {
		attr := kernel.BTFLoadAttr{
			BTF: kernel.Bytes(blob), BTFSize: uint32(len(blob)),
			LogLevel: level, LogBuf: kernel.Bytes(log), LogSize: uint32(len(log)),
		}
		t.addToTypes(&attr)
		fd, err := kernel.BTFLoad(&attr)
		return fd, attr.LogTrueSize, err
	})
	if err != nil {
		return nil, t.explainTypes(newTypesError(err, log))
	}
	return fd, nil
}

// explain adds that BTF was refused to an error that may be due to it.
func (ti *typeInfo) explain(err error) error {
	if err == nil || ti.refused == nil || errors.Is(err, ti.refused) {
		return err
	}
	return fmt.Errorf("%w (the kernel refused the type information: %w)", err, ti.refused)
}
