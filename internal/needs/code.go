package needs

import (
	"path"
	"strings"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// addCode adds what the instructions of a program need.
func (c *collector) addCode(p *object.Program) {
	guards := findGuards(c.obj, p.Instructions)
	for i := range p.Instructions {
		line := guards.lines[i]
		use := Use{Program: p.Name}
		if line != nil && line.FileName() != "" {
			use.File, use.Line = path.Clean(line.FileName()), line.LineNumber()
		}
		use.Guard, use.side = guards.of(i)
		c.addInstruction(p, &p.Instructions[i], use)
	}
}

func (c *collector) addInstruction(p *object.Program, ins *asm.Instruction, use Use) {
	if relo := ins.CORERelocation(); relo != nil && relo.Kind != btf.CORETypeIDLocal {
		c.add(CORE, "relocations", coreRelocations, use)
		c.facts.config.add("CONFIG_DEBUG_INFO_BTF", "CO-RE in "+use.String()+", unless the caller has the kernel's BTF")
	}
	switch {
	case ins.IsBuiltinCall():
		c.addHelper(p, asm.BuiltinFunc(ins.Constant), use)
	case ins.Extern() != nil:
		c.addExtern(ins, use)
	}
	if name, since := isaFact(ins); name != "" {
		c.add(Instruction, name, since, use)
	}
}

func (c *collector) addHelper(p *object.Program, fn asm.BuiltinFunc, use Use) {
	major, minor := fn.MinKernel()
	c.add(Helper, fn.Name(), uapi.KernelVersion{Major: uint8(major), Minor: uint8(minor)}, use)
	if use.Guard != "" {
		return
	}
	if gplHelpers[fn] {
		c.facts.gpl.add(fn.Name(), use.String())
	}
	if perfmonHelpers[fn] && !tracingProgTypes[p.Type] {
		c.facts.capabilities.add("CAP_PERFMON", fn.Name()+" in "+use.String())
	}
	if fn == asm.FnProbeWriteUser {
		c.facts.capabilities.add("CAP_SYS_ADMIN", fn.Name()+" in "+use.String())
	}
}

func (c *collector) addExtern(ins *asm.Instruction, use Use) {
	extern := ins.Extern()
	if extern.Weak && use.Guard == "" && !ins.IsKfuncCall() {
		use.Guard = "it is weak: its address is 0 where it is missing"
	}
	name := extern.Name
	switch extern.Kind {
	case asm.ExternKfunc:
		c.add(Kfunc, name, c.kfuncSince(name), use)
		c.facts.gpl.add("kfuncs", name+" in "+use.String())
		c.facts.config.add("CONFIG_DEBUG_INFO_BTF", "kfunc "+name)
	case asm.ExternKsym:
		c.add(KernelSymbol, name, typedKsyms, use)
		c.facts.config.add("CONFIG_DEBUG_INFO_BTF", "kernel variable "+name)
	case asm.ExternAddress:
		c.add(KernelSymbol, name, uapi.KernelVersion{}, use)
	case asm.ExternKconfig:
		if !virtualKconfig(name) && !extern.Weak {
			c.facts.config.add(name, "its value, in "+use.String()+": from /proc/config.gz or /boot/config-*")
		}
	}
}

// kfuncSince looks up a kernel function; "___flavour" is the declaration's own.
func (c *collector) kfuncSince(name string) uapi.KernelVersion {
	if c.kfuncs == nil {
		c.kfuncs = make(map[string]uapi.KernelVersion)
		for _, row := range kfuncs {
			for name := range strings.FieldsSeq(row.names) {
				c.kfuncs[name] = v(row.major, row.minor)
			}
		}
	}
	name, _, _ = strings.Cut(name, "___")
	return c.kfuncs[name]
}

// isaFact is what one instruction needs besides what it refers to.
func isaFact(ins *asm.Instruction) (name string, since uapi.KernelVersion) {
	for _, fact := range isaFacts {
		if fact.has(ins) {
			return fact.name, fact.since
		}
	}
	return "", uapi.KernelVersion{}
}
