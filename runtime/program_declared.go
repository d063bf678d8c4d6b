package ebpf

import (
	"fmt"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/object"
)

// declared is what the spec of a program said about its hook. The kernel
// doesn't keep it.
type declared struct {
	section    string
	attachType AttachType
	attachTo   string
}

// SectionName is the section of the object file that the program is from: what
// its SEC() says. It is empty for programs that weren't loaded from a
// ProgramSpec, but opened by ID, descriptor or pin.
func (p *Program) SectionName() string { return p.declared.section }

// AttachType is that of the ProgramSpec, with the same exceptions.
func (p *Program) AttachType() AttachType { return p.declared.attachType }

// AttachTo is that of the ProgramSpec: what stands behind the slash in SEC(),
// unless it was changed before loading. The same exceptions hold.
func (p *Program) AttachTo() string { return p.declared.attachTo }

// usdtSpecs is the map by which <bpf/usdt.bpf.h> knows where its programs are
// attached.
const usdtSpecs = "__bpf_usdt_specs"

// USDTSpecs is the map of <bpf/usdt.bpf.h> that belongs to a program in
// SEC("usdt"), nil for others. It is for package link.
func (p *Program) USDTSpecs() *Map { return p.usdt }

// keepUSDTSpecs lets the program keep the map, which nobody may have a field
// for, so that it can be attached as long as it is open.
func (p *Program) keepUSDTSpecs(maps map[string]*Map) error {
	specs := maps[usdtSpecs]
	def, _, _, ok := object.MatchSection(p.declared.section)
	if specs == nil || !ok || !def.Has(object.USDT) {
		return nil
	}
	specs.Slots() // shared from here on
	clone, err := specs.Clone()
	if err != nil {
		return fmt.Errorf("program %q: %w", p.name, err)
	}
	p.usdt = clone
	return nil
}

// Slots are the elements of the map that package link hands out. They are the
// same for clones that are made later.
func (m *Map) Slots() *kernel.Slots {
	if s := m.slots.Load(); s != nil {
		return s
	}
	m.slots.CompareAndSwap(nil, kernel.NewSlots(m.maxEntries))
	return m.slots.Load()
}
