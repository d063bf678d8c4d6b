// Package objdiff tells what changed between two versions of a BPF object, for
// whoever holds its pins, reads its events, or has to run it. It is pure.
package objdiff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bpfgen/bpfgen/internal/needs"
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// Class is whom a change concerns.
type Class string

// The classes.
const (
	Layout   Class = "layout"   // sizes, offsets and types of keys, values, events and variables
	Map      Class = "map"      // maps that are gone, or that the kernel takes for others
	Program  Class = "program"  // programs that are gone, or attach elsewhere
	Kernel   Class = "kernel"   // a newer kernel, another capability, a stricter licence
	Addition Class = "addition" // what wasn't there: no one depends on it
)

// Classes are all of them.
func Classes() []Class { return []Class{Layout, Map, Program, Kernel, Addition} }

// Change is one difference.
type Change struct {
	Class Class  `json:"class"`
	Thing string `json:"thing"` // "map execs", "program handle_exec"
	What  string `json:"what"`  // what about it: "max entries", "value.pid"
	Old   string `json:"old"`
	New   string `json:"new"`
}

// Compare lists what changed, in the order of the old object, then what is new.
func Compare(before, after *object.Object) []Change {
	d := differ{}
	d.maps(before.Maps, after.Maps)
	d.programs(before.Programs, after.Programs)
	d.variables(before.Variables, after.Variables)
	d.needs(needs.Of(before), needs.Of(after))
	return d.changes
}

type differ struct{ changes []Change }

func (d *differ) add(class Class, thing, what, before, after string) {
	if before != after {
		d.changes = append(d.changes, Change{class, thing, what, before, after})
	}
}

// pairs calls both for what is on both sides, and reports what is on one of them.
func pairs[T any](d *differ, class Class, kind string, before, after []T, name func(T) string, both func(a, b T)) {
	for _, a := range before {
		i := slices.IndexFunc(after, func(b T) bool { return name(b) == name(a) })
		if i < 0 {
			d.add(class, kind+" "+name(a), "", "there", "gone")
			continue
		}
		both(a, after[i])
	}
	for _, b := range after {
		if !slices.ContainsFunc(before, func(a T) bool { return name(a) == name(b) }) {
			d.add(Addition, kind+" "+name(b), "", "", "new")
		}
	}
}

func (d *differ) maps(before, after []*object.Map) {
	// What data maps hold are the variables, which are compared by name.
	declared := func(all []*object.Map) []*object.Map {
		return slices.DeleteFunc(slices.Clone(all), func(m *object.Map) bool {
			return m.Kind == object.DataMap || m.Kind == object.KconfigMap
		})
	}
	pairs(d, Map, "map", declared(before), declared(after), func(m *object.Map) string { return m.Name }, func(a, b *object.Map) {
		d.mapPair("map "+a.Name, "", a, b)
	})
}

func (d *differ) mapPair(thing, prefix string, a, b *object.Map) {
	d.add(Map, thing, prefix+"type", a.Type.String(), b.Type.String())
	d.add(Map, thing, prefix+"max entries", fmt.Sprint(a.MaxEntries), fmt.Sprint(b.MaxEntries))
	d.add(Map, thing, prefix+"flags", flagNames(a.Flags), flagNames(b.Flags))
	d.add(Map, thing, prefix+"map_extra", fmt.Sprintf("%#x", a.MapExtra), fmt.Sprintf("%#x", b.MapExtra))
	d.add(Map, thing, prefix+"pinning", a.Pinning.String(), b.Pinning.String())
	d.layout(thing, prefix+"key", typed{a.Key, a.KeySize}, typed{b.Key, b.KeySize})
	d.layout(thing, prefix+"value", typed{a.Value, a.ValueSize}, typed{b.Value, b.ValueSize})
	switch {
	case a.Inner != nil && b.Inner != nil:
		d.mapPair(thing, prefix+"inner map's ", a.Inner, b.Inner)
	case a.Inner != nil || b.Inner != nil:
		d.add(Map, thing, prefix+"inner map", fmt.Sprint(a.Inner != nil), fmt.Sprint(b.Inner != nil))
	}
}

func flagNames(flags uint32) string {
	var names []string
	for _, f := range uapi.MapFlags() {
		if flags&f.Value != 0 {
			names = append(names, f.Name)
			flags &^= f.Value
		}
	}
	if flags != 0 || len(names) == 0 {
		names = append(names, fmt.Sprintf("%#x", flags))
	}
	return strings.Join(names, "|")
}

func (d *differ) programs(before, after []*object.Program) {
	pairs(d, Program, "program", before, after, func(p *object.Program) string { return p.Name }, func(a, b *object.Program) {
		thing := "program " + a.Name
		d.add(Program, thing, "section", a.Section, b.Section)
		d.add(Program, thing, "type", a.Type.String(), b.Type.String())
		d.add(Program, thing, "attach type", a.AttachType.String(), b.AttachType.String())
	})
}

func (d *differ) variables(before, after []*object.Variable) {
	pairs(d, Layout, "variable", before, after, func(v *object.Variable) string { return v.Name }, func(a, b *object.Variable) {
		thing := "variable " + a.Name
		d.add(Layout, thing, "section", a.Section, b.Section)
		d.layout(thing, "value", typed{a.Type, a.Size}, typed{b.Type, b.Size})
	})
}

// needs compares what the objects ask of a machine. Lower demands are additions.
func (d *differ) needs(before, after *needs.Report) {
	class := Addition
	if before.MinKernel.Less(after.MinKernel) {
		class = Kernel
	}
	d.add(class, "object", "minimum kernel", because(before), because(after))
	for _, f := range missing(after.Capabilities, before.Capabilities) {
		d.add(Kernel, "object", "capability", "", f.Name+", for "+f.Because)
	}
	for _, f := range missing(after.Config, before.Config) {
		d.add(Kernel, "object", "kernel configuration", "", f.Name+", for "+f.Because)
	}
	d.add(Kernel, "object", "licence", before.Licence.Declared, after.Licence.Declared)
}

// because is the minimum kernel with its reason, where there is one.
func because(r *needs.Report) string {
	if newest := r.Newest(); len(newest) > 0 && newest[0].Since == r.MinKernel {
		return fmt.Sprintf("%v (%s %s)", r.MinKernel, newest[0].Kind, newest[0].Name)
	}
	return r.MinKernel.String()
}

// missing are those of facts that others don't have.
func missing(facts, others []needs.Fact) []needs.Fact {
	return slices.DeleteFunc(slices.Clone(facts), func(f needs.Fact) bool {
		return slices.ContainsFunc(others, func(o needs.Fact) bool { return o.Name == f.Name })
	})
}
