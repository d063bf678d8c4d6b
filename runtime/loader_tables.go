package ebpf

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfgen/bpfgen/runtime/asm"
)

// insnArrayValueSize is the size of the kernel's struct bpf_insn_array_value,
// which begins with the number of an instruction. The rest is for the kernel.
const insnArrayValueSize = 16

// makeTables makes a map of each jump table that a program refers to, and puts
// it into the instructions, which are the loader's own. The maps are of use to
// no other program; the program keeps them.
func makeTables(c *code, t *token) ([]*Map, error) {
	if !c.tables {
		return nil, nil
	}
	var maps []*Map
	made := make(map[*asm.JumpTable]*Map)
	for i := range c.insns {
		ins := &c.insns[i]
		table := ins.JumpTable()
		if table == nil {
			continue
		}
		m := made[table]
		if m == nil {
			var err error
			if m, err = makeTable(c.insns, table, t); err != nil {
				return maps, fmt.Errorf("jump table %s: %w", table.Name, err)
			}
			maps, made[table] = append(maps, m), m
		}
		if err := ins.AssociateMap(m); err != nil {
			return maps, fmt.Errorf("jump table %s: %w", table.Name, err)
		}
	}
	return maps, nil
}

func closeTables(maps []*Map) {
	for _, m := range maps {
		_ = m.Close()
	}
}

// makeTable makes a frozen map of a jump table.
func makeTable(insns asm.Instructions, table *asm.JumpTable, t *token) (_ *Map, err error) {
	start, ok := slotOf(insns, table.Function)
	if !ok {
		return nil, fmt.Errorf("the program has no function %s, which it is of", table.Function)
	}
	spec := &MapSpec{Name: ".jumptables", Type: InsnArray, KeySize: 4, ValueSize: insnArrayValueSize, MaxEntries: uint32(len(table.Targets))}
	m, err := makeMap(spec, &typeInfo{token: t})
	if err != nil {
		return nil, fmt.Errorf("%w (on older kernels, compile with -fno-jump-tables)", err)
	}
	defer func() {
		if err != nil {
			_ = m.Close()
		}
	}()
	var value [insnArrayValueSize]byte
	for i, target := range table.Targets {
		binary.NativeEndian.PutUint32(value[:], uint32(start+int64(target)))
		if err = m.Put(uint32(i), value[:]); err != nil {
			return nil, err
		}
	}
	return m, m.Freeze()
}

// slotOf is the number of the instruction with a symbol.
func slotOf(insns asm.Instructions, symbol string) (slot int64, ok bool) {
	for i := range insns {
		if insns[i].Symbol() == symbol {
			return slot, true
		}
		slot += int64(insns[i].Width())
	}
	return 0, false
}
