package needs

import (
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

func (c *collector) addMap(m *object.Map) {
	use := Use{Map: m.Name}
	if m.Optional {
		use.Guard = "the map is only created on request"
	}
	switch m.Kind {
	case object.StructOpsMap:
		c.addStructOps(m, use)
		return
	case object.DataMap, object.KconfigMap:
		if m.Type == uapi.MapTypeArray {
			// Its flags are the loader's choice, which does without on old kernels.
			c.add(MapType, "global variables", globalVariables, use)
			return
		}
	}
	c.add(MapType, m.Type.String(), m.Type.MinKernel(), use)
	for _, flag := range uapi.MapFlags() {
		if m.Flags&flag.Value != 0 {
			c.add(MapFlag, flag.Name, flag.Since, use)
		}
	}
	c.facts.capabilities.add("CAP_BPF", "creating map "+m.Name)
	if netMapTypes[m.Type] {
		c.facts.capabilities.add("CAP_NET_ADMIN", "creating map "+m.Name+", "+m.Type.String())
	}
	for _, option := range mapConfig[m.Type] {
		c.facts.config.add(option, "map "+m.Name+", "+m.Type.String())
	}
	c.addFields(m.Value, use)
	if m.Inner != nil {
		c.addMap(m.Inner)
	}
}

func (c *collector) addStructOps(m *object.Map, use Use) {
	name := m.Value.Name()
	since := uapi.MapTypeStructOps.MinKernel()
	if known, ok := structOpsSince[name]; ok {
		since = known
	}
	c.add(StructOps, name, since, use)
	for _, option := range []string{"CONFIG_BPF_JIT", "CONFIG_DEBUG_INFO_BTF", structOpsConfig[name]} {
		c.facts.config.add(option, "struct_ops "+m.Name)
	}
	c.facts.gpl.add("struct_ops programs", m.Name)
}

// addFields adds what the kernel has to know about fields in map values: locks,
// timers, lists and so on, and pointers that it keeps.
func (c *collector) addFields(ref btf.TypeRef, use Use) {
	typ, err := ref.Type()
	if err != nil {
		return // no type, or none that can be read: nothing is known
	}
	c.addFieldsOf(typ, use, 0)
}

// maxFieldDepth is how deep the kernel looks for special fields, and enough to
// end in hostile BTF.
const maxFieldDepth = 8

func (c *collector) addFieldsOf(typ btf.Type, use Use, depth int) {
	if depth > maxFieldDepth {
		return
	}
	switch t := btf.UnderlyingType(typ).(type) {
	case *btf.Struct:
		if since, ok := fieldSince[t.Name]; ok {
			c.add(MapField, "struct "+t.Name, since, use)
			return
		}
		for i := range t.Members {
			c.addFieldsOf(t.Members[i].Type, use, depth+1)
		}
	case *btf.Datasec:
		for i := range t.Vars {
			if v, ok := t.Vars[i].Type.(*btf.Var); ok {
				c.addFieldsOf(v.Type, use, depth+1)
			}
		}
	case *btf.Array:
		c.addFieldsOf(t.Type, use, depth+1)
	case *btf.Pointer:
		for tagged, ok := t.Target.(*btf.TypeTag); ok; tagged, ok = tagged.Type.(*btf.TypeTag) {
			if since, known := pointerTagSince[tagged.Value]; known {
				c.add(MapField, "__"+tagged.Value+" pointer", since, use)
			}
		}
	}
}
