package needs

import (
	"strings"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

func (c *collector) addProgram(p *object.Program) {
	use := Use{Program: p.Name}
	if p.Type != uapi.ProgTypeUnspec {
		c.add(ProgramType, p.Type.String(), p.Type.MinKernel(), use)
	}
	if p.Def != nil {
		c.addAttachment(p, use)
	}
	if n := p.Instructions.Size() / 8; n > smallProgram {
		c.add(Instruction, "more than 4096 instructions", largePrograms, use)
	}
	c.addProgramFacts(p)
	c.addCode(p)
}

// addAttachment adds what the program's section says about how it is attached.
func (c *collector) addAttachment(p *object.Program, use Use) {
	switch {
	case p.Def.Has(object.AttachTypeOptional):
		// kernels without attach types load it as well
	case p.Def.Type == uapi.ProgTypeSchedCLS:
		// attaches in the old way, too
	case p.AttachType != uapi.AttachNone:
		c.add(AttachType, p.AttachType.String(), p.AttachType.MinKernel(), use)
	}
	if p.Def.Has(object.Sleepable) {
		since := sleepableSince[p.Type]
		if since == (uapi.KernelVersion{}) {
			since = sleepable
		}
		c.add(ProgramFlag, "sleepable", since, use)
	}
	if p.Def.Has(object.XDPFrags) {
		c.add(ProgramFlag, "xdp.frags", xdpFrags, use)
	}
	if p.Def.Suffix == object.SuffixIterator && p.AttachTo != "" {
		c.add(Iterator, p.AttachTo, iteratorSince[p.AttachTo], use)
	}
}

// addProgramFacts adds configuration, capabilities and licence, as far as they
// follow from the type of the program.
func (c *collector) addProgramFacts(p *object.Program) {
	because := "program " + p.Name + ", " + p.Type.String()
	c.facts.config.add("CONFIG_BPF_SYSCALL", "everything")
	c.facts.capabilities.add("CAP_BPF", "loading programs")
	if netProgTypes[p.Type] {
		c.facts.capabilities.add("CAP_NET_ADMIN", because)
	}
	if tracingProgTypes[p.Type] {
		c.facts.capabilities.add("CAP_PERFMON", because)
	}
	if gplProgTypes[p.Type] {
		c.facts.gpl.add(p.Type.String()+" programs", p.Name)
	}
	for _, option := range progConfig[p.Type] {
		c.facts.config.add(option, because)
	}
	for _, row := range sectionConfig {
		if p.Def != nil && strings.HasPrefix(strings.TrimPrefix(p.Section, "?"), row.prefix) {
			c.facts.config.add(row.option, "program "+p.Name+`, SEC("`+p.Section+`")`)
			break
		}
	}
}
