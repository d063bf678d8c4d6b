package codegen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/bpfgen/bpfgen/internal/needs"
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// findNeeds finds out what the object needs to run, and refuses it if that is a
// newer kernel than limit, unless that is zero.
func (m *Model) findNeeds(obj *object.Object, limit uapi.KernelVersion) error {
	m.Needs = *needs.Of(obj)
	if above := m.Needs.Above(limit); limit != (uapi.KernelVersion{}) && len(above) > 0 {
		return TooNew(limit, above)
	}
	for i := range m.Programs {
		p := &m.Programs[i]
		j := slices.IndexFunc(m.Needs.Programs, func(n needs.Program) bool { return n.Name == p.C })
		if p.Comment == "" || j < 0 || m.Needs.Programs[j].MinKernel == (uapi.KernelVersion{}) {
			continue
		}
		p.Comment += ", since Linux " + m.Needs.Programs[j].MinKernel.String()
	}
	return nil
}

// TooNew says what a kernel of the version limit lacks.
func TooNew(limit uapi.KernelVersion, above []needs.Need) error {
	var lines strings.Builder
	for _, n := range above {
		fmt.Fprintf(&lines, "\n\t%v: %s %s, used by %s", n.Since, n.Kind, n.Name, n.Uses[0])
	}
	return fmt.Errorf("needs a newer kernel than %v:%s", limit, lines.String())
}

// emitRequirements prints what bpfgen report says, as far as a program can act
// on it.
func (m *Model) emitRequirements(f *jen.File) {
	r := &m.Needs
	n := m.Names
	fields := jen.Dict{}
	if r.MinKernel != (uapi.KernelVersion{}) {
		fields[jen.Id("MinKernel")] = jen.Lit(r.MinKernel.String())
	}
	if newest := r.Newest(); len(newest) > 0 && newest[0].Since != (uapi.KernelVersion{}) {
		fields[jen.Id("Because")] = jen.Lit(fmt.Sprintf("%s %s, used by %s", newest[0].Kind, newest[0].Name, newest[0].Uses[0]))
	}
	list := func(name string, facts []needs.Fact) {
		var values []jen.Code
		for _, fact := range facts {
			values = append(values, jen.Lit(fact.Name))
		}
		if len(values) > 0 {
			fields[jen.Id(name)] = jen.Index().String().Values(values...)
		}
	}
	list("Capabilities", r.Capabilities)
	list("Config", r.Config)
	docComment(f, n.Requirements+" is what the object needs to run, as bpfgen report says in more words.")
	f.Func().Id(n.Requirements).Params().Add(ebpf("Requirements")).Block(jen.Return(ebpf("Requirements").Values(fields)))
}
