package object

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// dump writes all that an object declares as text, in which byte order, types'
// IDs and the like don't show.
func dump(o *Object) string {
	var b strings.Builder
	fmt.Fprintf(&b, "license %q version %#x btf %v\n", o.License, o.Version, o.Types != nil)
	for _, m := range o.Maps {
		dumpMap(&b, "map", m)
	}
	for _, v := range o.Variables {
		fmt.Fprintf(&b, "variable %s: %s+%d size %d", v.Name, v.Section, v.Offset, v.Size)
		dumpType(&b, "type", v.Type)
		flag(&b, "weak", v.Weak)
		flag(&b, "read-only", v.ReadOnly)
		b.WriteByte('\n')
	}
	for _, e := range o.Externs {
		fmt.Fprintf(&b, "extern %s %s: %v", e.Section, e.Name, e.Kind)
		if e.Size != 0 {
			fmt.Fprintf(&b, " at %d size %d", e.Offset, e.Size)
		}
		dumpType(&b, "type", e.Type)
		flag(&b, "weak", e.Weak)
		b.WriteByte('\n')
	}
	for _, p := range o.Programs {
		dumpProgram(&b, p)
	}
	return b.String()
}

func flag(b *strings.Builder, name string, set bool) {
	if set {
		b.WriteByte(' ')
		b.WriteString(name)
	}
}

func dumpType(b *strings.Builder, what string, ref btf.TypeRef) {
	if ref.IsZero() {
		return
	}
	typ, err := ref.Type()
	if err != nil {
		fmt.Fprintf(b, " %s: %v", what, err)
		return
	}
	fmt.Fprintf(b, " %s %v", what, typ)
	if ds, ok := typ.(*btf.Datasec); ok {
		fmt.Fprintf(b, " size %d [", ds.Size)
		for _, v := range ds.Vars {
			fmt.Fprintf(b, " %s@%d+%d", v.Type.TypeName(), v.Offset, v.Size)
		}
		b.WriteString(" ]")
	}
}

func dumpMap(b *strings.Builder, what string, m *Map) {
	fmt.Fprintf(b, "%s %s: %s %s key %d value %d entries %d flags %#x", what, m.Name, []string{"btf", "legacy", "data", "kconfig", "struct_ops"}[m.Kind],
		m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags)
	if m.NUMANode != 0 {
		fmt.Fprintf(b, " node %d", m.NUMANode)
	}
	if m.MapExtra != 0 {
		fmt.Fprintf(b, " extra %#x", m.MapExtra)
	}
	flag(b, m.Pinning.String(), m.Pinning != 0)
	flag(b, "freeze", m.Freeze)
	flag(b, "optional", m.Optional)
	dumpType(b, "key", m.Key)
	dumpType(b, "value", m.Value)
	if len(m.Tags) > 0 {
		fmt.Fprintf(b, " tags %q", m.Tags)
	}
	if m.Kind == LegacyMap && m.Extra != nil {
		fmt.Fprintf(b, " +%d bytes", len(m.Extra))
	}
	fmt.Fprintf(b, " data %d bytes\n", len(m.Data))
	for _, v := range m.Values {
		index := strconv.Itoa(int(v.Index))
		if v.Member != "" {
			index += " " + v.Member
		}
		fmt.Fprintf(b, "  [%s] = %s %s\n", index, []string{"map", "program"}[v.Kind], v.Name)
	}
	if m.Inner != nil {
		dumpMap(b, "  inner", m.Inner)
	}
}

func dumpProgram(b *strings.Builder, p *Program) {
	fmt.Fprintf(b, "program %s: SEC(%q) %s %s flags %#x", p.Name, p.Section, p.Type, p.AttachType, p.Flags)
	flag(b, "to "+p.AttachTo, p.AttachTo != "")
	flag(b, "optional", p.Optional)
	flag(b, "static", p.Static)
	b.WriteByte('\n')
	for i := range p.Instructions {
		ins := &p.Instructions[i]
		if s := ins.Symbol(); s != "" {
			fmt.Fprintf(b, " %s:", s)
			dumpType(b, "func", ins.Func())
			b.WriteByte('\n')
		}
		fmt.Fprintf(b, "  %#04x r%d r%d %d %d", uint16(ins.OpCode), ins.Dst, ins.Src, ins.Offset, ins.Constant)
		if r := ins.Reference(); r != "" {
			fmt.Fprintf(b, " <%s>", r)
		}
		if e := ins.Extern(); e != nil {
			fmt.Fprintf(b, " extern %s", e.Name)
		}
		if t := ins.JumpTable(); t != nil {
			fmt.Fprintf(b, " table of %s %v", t.Function, t.Targets)
		}
		if c := ins.CORERelocation(); c != nil {
			fmt.Fprintf(b, " core %v %s [%s]", c.Kind, c.Type.Name(), c.Accessor)
		}
		if l := ins.Metadata.Line(); l != nil {
			fmt.Fprintf(b, " ; %s:%d %s", l.FileName(), l.LineNumber(), strings.TrimSpace(l.Line()))
		}
		b.WriteByte('\n')
	}
}
