package ebpf

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/bpfgen/bpfgen/internal/chain"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// fillArenas maps new arenas into this process, without which the kernel loads
// no program that uses them, and puts their variables there. Instructions that
// refer to variables are told where they are.
func fillArenas(cs *CollectionSpec, coll *Collection, fresh []*Map, codes []code) error {
	for _, name := range sortedKeys(coll.Maps) {
		m, spec := coll.Maps[name], cs.Maps[name]
		if spec.Type != Arena {
			continue
		}
		isNew := slices.Contains(fresh, m)
		if isNew {
			if _, err := m.Memory(); err != nil {
				return fmt.Errorf("arena: %w", explainArena(m, err))
			}
		}
		data, err := cs.initialData(spec, name)
		if err == nil && len(data) > 0 {
			err = m.placeGlobals(data, isNew)
		}
		if err != nil {
			return fmt.Errorf("contents of map %q: %w", name, err)
		}
		moveGlobals(codes, name, m.globals)
	}
	return nil
}

func explainArena(m *Map, err error) error {
	if m.extra != 0 {
		return fmt.Errorf("%w (MapSpec.MapExtra asks for the address %#x)", err, m.extra)
	}
	return err
}

// placeGlobals puts the variables of an arena at its end, where libbpf has them,
// or at its beginning if that is all that the kernel takes.
func (m *Map) placeGlobals(data []byte, write bool) error {
	size, page := int64(m.memorySize()), int64(os.Getpagesize())
	pages := (int64(len(data)) + page - 1) / page * page
	if pages > size {
		return fmt.Errorf("%d bytes of variables don't fit the %d bytes of the arena: raise MaxEntries, which counts pages", len(data), size)
	}
	if pages < size && arenaTakesAnyOffset() {
		m.globals = size - pages
	}
	if !write {
		return nil
	}
	mm, err := m.Memory()
	if err != nil {
		return err
	}
	if _, err = mm.WriteAt(data, m.globals); err != nil {
		return fmt.Errorf("write variables: %w", err)
	}
	return nil
}

// moveGlobals adds to the offset of variables in instructions.
func moveGlobals(codes []code, arena string, by int64) {
	if by == 0 {
		return
	}
	for i := range codes {
		own := false
		for j := range codes[i].insns {
			ins := &codes[i].insns[j]
			if ins.Src != asm.PseudoMapValue || !ins.OpCode.IsDWordLoad() || ins.Reference() != arena {
				continue
			}
			if !own {
				codes[i].insns, own = slices.Clone(codes[i].insns), true // the spec's are the caller's
				ins = &codes[i].insns[j]
			}
			ins.Constant += by << 32
		}
	}
}

// arenaTakesAnyOffset tells whether instructions can refer to any place in an
// arena. Kernels before 7.1 take no offsets of 512 MiB and more in any map, and
// say so before they find anything else to object to.
func arenaTakesAnyOffset() bool {
	m, err := NewMap(&MapSpec{Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return false
	}
	defer m.Close()
	const beyond = 1 << 30
	insns := asm.Instructions{asm.LoadMapValue(asm.R1, m.FD(), beyond), asm.Return()}
	_, err = NewProgram(&ProgramSpec{Type: SocketFilter, Instructions: insns, License: "MIT", ByteOrder: binary.NativeEndian})
	ve, ok := chain.As[*VerifierError](err)
	return ok && slices.ContainsFunc(ve.Log, func(line string) bool {
		return strings.Contains(line, "invalid access to map value pointer")
	})
}
