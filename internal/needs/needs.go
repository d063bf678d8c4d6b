// Package needs finds out what a BPF object asks of the machine it is to run on:
// the oldest mainline kernel with the reason for it, options of the kernel's
// configuration, capabilities and licence. It is pure: it reads the object and
// tables of facts, never the running kernel.
//
// What it says about kernels is a lower bound for mainline. A newer kernel may
// refuse the object for other reasons, and distributions add features to older
// ones.
package needs

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// Kind is what sort of thing an object needs.
type Kind string

// The kinds.
const (
	MapType      Kind = "map type"
	MapFlag      Kind = "map flag"
	MapField     Kind = "map value field"
	ProgramType  Kind = "program type"
	AttachType   Kind = "attach type"
	ProgramFlag  Kind = "program flag"
	Iterator     Kind = "iterator"
	StructOps    Kind = "struct_ops"
	Helper       Kind = "helper"
	Kfunc        Kind = "kfunc"
	KernelSymbol Kind = "kernel symbol"
	Instruction  Kind = "instruction"
	CORE         Kind = "CO-RE"
)

// Use is a place that needs something.
type Use struct {
	Program string `json:"program,omitempty"`
	Map     string `json:"map,omitempty"`
	File    string `json:"file,omitempty"`
	Line    uint32 `json:"line,omitempty"`

	// Guard says why the object works without: the C line of the check that
	// the place depends on, or that nobody has to load the program. Empty if
	// it doesn't.
	Guard string `json:"guard,omitempty"`
	side  side   // of the check
}

// String is the place for people: "handle_exec, snoop.bpf.c:12".
func (u Use) String() string {
	where := u.Program
	if where == "" {
		where = "map " + u.Map
	}
	if u.Line != 0 {
		where += fmt.Sprintf(", %s:%d", u.File, u.Line)
	}
	return where
}

// Need is one thing that an object needs.
type Need struct {
	Kind  Kind               `json:"kind"`
	Name  string             `json:"name"`
	Since uapi.KernelVersion `json:"since"` // the first mainline kernel that has it; zero if nobody knows

	// Optional says that every use is guarded.
	Optional bool  `json:"optional"`
	Uses     []Use `json:"uses"` // at least one; those without guard first
}

// Fact is a name with what needs it.
type Fact struct {
	Name    string `json:"name"`
	Because string `json:"because"`
}

// Licence is what the object says about its licence, and whether that does.
type Licence struct {
	Declared   string `json:"declared"`
	Compatible bool   `json:"gplCompatible"`     // whether the kernel takes it for compatible with the GPL
	GPL        []Fact `json:"gplOnly,omitempty"` // what needs a compatible one
}

// Report is all that an object needs.
type Report struct {
	// MinKernel is the newest of what isn't optional.
	MinKernel    uapi.KernelVersion `json:"minKernel"`
	Programs     []Program          `json:"programs"`
	Needs        []Need             `json:"needs"` // newest first
	Capabilities []Fact             `json:"capabilities"`
	Config       []Fact             `json:"config"`
	Licence      Licence            `json:"licence"`
}

// Program is what a single program needs, by itself.
type Program struct {
	Name      string             `json:"name"`
	Section   string             `json:"section"`
	Optional  bool               `json:"optional"`
	MinKernel uapi.KernelVersion `json:"minKernel"`
	Because   string             `json:"because"`
}

// Newest are the needs that MinKernel comes from.
func (r *Report) Newest() []Need {
	var newest []Need
	for _, n := range r.Needs {
		if !n.Optional && n.Since == r.MinKernel {
			newest = append(newest, n)
		}
	}
	return newest
}

// Above are the needs that a kernel of version v doesn't satisfy.
func (r *Report) Above(v uapi.KernelVersion) []Need {
	var above []Need
	for _, n := range r.Needs {
		if !n.Optional && v.Less(n.Since) {
			above = append(above, n)
		}
	}
	return above
}

// Of finds out what an object needs.
func Of(obj *object.Object) *Report {
	c := collector{obj: obj, index: make(map[needKey]int)}
	for _, m := range obj.Maps {
		c.addMap(m)
	}
	r := &Report{Licence: Licence{Declared: obj.License, Compatible: gplCompatible(obj.License)}}
	for _, p := range obj.Programs {
		c.addProgram(p)
		r.Programs = append(r.Programs, c.summarise(p))
	}
	c.finish(r)
	return r
}

type needKey struct {
	kind Kind
	name string
}

// collector gathers needs, each once.
type collector struct {
	obj   *object.Object
	needs []Need
	index map[needKey]int

	program programNeeds // of the program being looked at
	facts   facts

	kfuncs map[string]uapi.KernelVersion // of the table, once somebody asks
}

// programNeeds is the newest thing that one program needs.
type programNeeds struct {
	since   uapi.KernelVersion
	because string
}

func (c *collector) add(kind Kind, name string, since uapi.KernelVersion, use Use) {
	key := needKey{kind, name}
	i, ok := c.index[key]
	if !ok {
		i = len(c.needs)
		c.index[key] = i
		c.needs = append(c.needs, Need{Kind: kind, Name: name, Since: since})
	}
	n := &c.needs[i]
	if !slices.Contains(n.Uses, use) {
		n.Uses = append(n.Uses, use)
	}
	if use.Program != "" && use.Guard == "" && c.program.since.Less(since) {
		c.program = programNeeds{since, fmt.Sprintf("%s %s", kind, name)}
	}
}

// summarise ends a program. One that is optional in the object still has needs
// of its own.
func (c *collector) summarise(p *object.Program) Program {
	newest := c.program
	c.program = programNeeds{}
	return Program{Name: p.Name, Section: p.Section, Optional: p.Optional, MinKernel: newest.since, Because: newest.because}
}

func (c *collector) finish(r *Report) {
	optional := make(map[string]bool)
	for _, p := range c.obj.Programs {
		optional[p.Name] = p.Optional
	}
	for i := range c.needs {
		n := &c.needs[i]
		for j := range n.Uses {
			if u := &n.Uses[j]; u.Guard == "" && optional[u.Program] {
				u.Guard = "the program is only loaded on request"
			}
		}
		n.Optional = isOptional(n.Uses)
		slices.SortStableFunc(n.Uses, func(a, b Use) int { return cmp.Compare(min(len(a.Guard), 1), min(len(b.Guard), 1)) })
		if !n.Optional && r.MinKernel.Less(n.Since) {
			r.MinKernel = n.Since
		}
	}
	slices.SortStableFunc(c.needs, func(a, b Need) int {
		return cmp.Or(compareVersions(b.Since, a.Since), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	r.Needs = c.needs
	r.Capabilities = c.facts.capabilities.list()
	r.Config = c.facts.config.list()
	r.Licence.GPL = c.facts.gpl.list()
}

// isOptional tells whether all uses are guarded, and not both sides of the same
// check among them.
func isOptional(uses []Use) bool {
	type check struct {
		program string
		branch  int
	}
	sides := make(map[check]bool)
	for _, u := range uses {
		if u.Guard == "" {
			return false
		}
		if u.side.answer == 0 {
			continue
		}
		key := check{u.Program, u.side.branch}
		if taken, ok := sides[key]; ok && taken != u.side.taken {
			return false
		}
		sides[key] = u.side.taken
	}
	return true
}

func compareVersions(a, b uapi.KernelVersion) int {
	return cmp.Or(cmp.Compare(a.Major, b.Major), cmp.Compare(a.Minor, b.Minor))
}

// facts are what is needed besides the kernel's version.
type facts struct{ capabilities, config, gpl factSet }

// factSet has each name once, with the first reason given for it.
type factSet []Fact

func (s *factSet) add(name, because string) {
	if name != "" && !slices.ContainsFunc(*s, func(f Fact) bool { return f.Name == name }) {
		*s = append(*s, Fact{name, because})
	}
}

func (s factSet) list() []Fact {
	slices.SortFunc(s, func(a, b Fact) int { return cmp.Compare(a.Name, b.Name) })
	return s
}
