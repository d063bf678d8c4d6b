package ebpf

import (
	"fmt"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Decode decodes what is still encoded in a spec from LoadEncodedSpec.
// It is then as if it came from LoadCollectionSpecFromReader. Other specs stay as
// they are.
func (cs *CollectionSpec) Decode() error {
	for _, ps := range cs.Programs {
		if err := ps.Decode(); err != nil {
			return err
		}
	}
	for _, ms := range cs.Maps {
		if err := ms.Decode(); err != nil {
			return err
		}
	}
	for _, vs := range cs.Variables {
		if err := vs.Decode(); err != nil {
			return err
		}
	}
	return nil
}

// Decode fills in the instructions of a spec from LoadEncodedSpec,
// unless somebody has. Other specs stay as they are.
func (ps *ProgramSpec) Decode() error {
	if ps.encoded == nil {
		return nil
	}
	if ps.Instructions == nil {
		insns, err := ps.encoded.Decode()
		if err != nil {
			return err
		}
		ps.Instructions = insns
	}
	ps.encoded = nil
	return nil
}

// Decode fills in the types of key and value in a spec from
// LoadEncodedSpec, also of the inner map, unless somebody has. Other
// specs stay as they are.
func (ms *MapSpec) Decode() error {
	if ms.InnerMap != nil {
		if err := ms.InnerMap.Decode(); err != nil {
			return fmt.Errorf("map %q: inner map: %w", ms.Name, err)
		}
	}
	if ms.encoded == nil {
		return nil
	}
	if err := decodeType(&ms.Key, ms.encoded.Key); err != nil {
		return fmt.Errorf("map %q: type of key: %w", ms.Name, err)
	}
	if err := decodeType(&ms.Value, ms.encoded.Value); err != nil {
		return fmt.Errorf("map %q: type of value: %w", ms.Name, err)
	}
	ms.encoded = nil
	return nil
}

func decodeType(into *btf.Type, ref btf.TypeRef) (err error) {
	if *into == nil && !ref.IsZero() {
		*into, err = ref.Type()
	}
	return err
}

// Decode fills in the type of a variable in a spec from
// LoadEncodedSpec, unless somebody has. Other specs stay as they are.
func (vs *VariableSpec) Decode() error {
	if vs.encoded == nil {
		return nil
	}
	var typ btf.Type
	if err := decodeType(&typ, vs.encoded.Type); err != nil {
		return fmt.Errorf("variable %q: %w", vs.Name, err)
	}
	if vs.Type == nil {
		vs.Type, _ = typ.(*btf.Var)
	}
	vs.encoded = nil
	return nil
}

// decoded is ps, or a copy of it that is decoded. What is loaded may belong to
// several goroutines, so that it mustn't change.
func (ps *ProgramSpec) decoded() (*ProgramSpec, error) {
	if ps.encoded == nil {
		return ps, nil
	}
	dup := *ps
	return &dup, dup.Decode()
}

// decoded is ms, or a copy of it that is decoded.
func (ms *MapSpec) decoded() (*MapSpec, error) {
	if ms.encoded == nil && (ms.InnerMap == nil || ms.InnerMap.encoded == nil) {
		return ms, nil
	}
	dup := *ms
	if ms.InnerMap != nil {
		inner, err := ms.InnerMap.decoded()
		if err != nil {
			return nil, fmt.Errorf("map %q: inner map: %w", ms.Name, err)
		}
		dup.InnerMap = inner
	}
	return &dup, dup.Decode()
}

// decoded is vs, or a copy of it that is decoded.
func (vs *VariableSpec) decoded() (*VariableSpec, error) {
	if vs.encoded == nil {
		return vs, nil
	}
	dup := *vs
	return &dup, dup.Decode()
}

// forLoading is a copy of cs in which specs can be replaced by those decoded.
func (cs *CollectionSpec) forLoading() *CollectionSpec {
	dup := *cs
	dup.Maps, dup.Programs = cloneMap(cs.Maps), cloneMap(cs.Programs)
	return &dup
}
