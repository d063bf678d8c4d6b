// Package graph draws what a BPF object is made of, and what refers to what:
// programs, the functions that they call, maps, and tail calls.
package graph

import (
	"fmt"
	"slices"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// Kind is what a node stands for.
type Kind uint8

// The kinds of nodes.
const (
	Program Kind = iota
	Function
	Map
	Data // a section of global variables

	gap // room for edges that pass a column
)

// Node is a box.
type Node struct {
	Kind   Kind
	Name   string
	Detail string // a second line
}

// Edge says that one node refers to another.
type Edge struct {
	From, To int  // indexes of nodes
	Tail     bool // a tail call, or a program that the kernel calls: against the flow
}

// Graph is what there is to draw.
type Graph struct {
	Nodes []Node
	Edges []Edge
}

// Of makes the graph of an object.
func Of(obj *object.Object) *Graph {
	b := builder{index: make(map[nodeKey]int)}
	for _, p := range obj.Programs {
		b.node(Program, p.Name, p.Section)
	}
	for _, m := range obj.Maps {
		b.node(mapKind(m), m.Name, mapDetail(m))
	}
	for _, p := range obj.Programs {
		b.addCode(p)
	}
	for _, m := range obj.Maps {
		b.addValues(m)
	}
	return &b.graph
}

func mapKind(m *object.Map) Kind {
	if m.Kind == object.DataMap || m.Kind == object.KconfigMap {
		return Data
	}
	return Map
}

func mapDetail(m *object.Map) string {
	switch {
	case mapKind(m) == Data:
		return fmt.Sprintf("%d bytes", m.ValueSize)
	case m.Kind == object.StructOpsMap:
		return "struct_ops " + m.Value.Name()
	case m.Type == uapi.MapTypeRingBuf || m.Type == uapi.MapTypeUserRingbuf:
		return fmt.Sprintf("%v, %d bytes", m.Type, m.MaxEntries)
	case m.KeySize == 0:
		return fmt.Sprintf("%v, %d × %d bytes", m.Type, m.MaxEntries, m.ValueSize)
	}
	return fmt.Sprintf("%v, %d × %d → %d bytes", m.Type, m.MaxEntries, m.KeySize, m.ValueSize)
}

type nodeKey struct {
	isMap bool
	name  string
}

type builder struct {
	graph Graph
	index map[nodeKey]int
}

// node returns the node of that name, which it makes if need be.
func (b *builder) node(kind Kind, name, detail string) int {
	key := nodeKey{kind == Map || kind == Data, name}
	i, ok := b.index[key]
	if !ok {
		i = len(b.graph.Nodes)
		b.index[key] = i
		b.graph.Nodes = append(b.graph.Nodes, Node{kind, name, detail})
	}
	return i
}

func (b *builder) edge(from, to int, tail bool) {
	if e := (Edge{from, to, tail}); !slices.Contains(b.graph.Edges, e) {
		b.graph.Edges = append(b.graph.Edges, e)
	}
}

// addCode adds what the functions of a program refer to. Functions that several
// programs call are there once.
func (b *builder) addCode(p *object.Program) {
	function := b.node(Program, p.Name, p.Section)
	for i := range p.Instructions {
		ins := &p.Instructions[i]
		if name := ins.Symbol(); name != "" && i > 0 {
			function = b.node(Function, name, "function")
		}
		switch ref := ins.Reference(); {
		case ref == "":
		case ins.IsFunctionReference():
			b.edge(function, b.node(Function, ref, "function"), false)
		case ins.IsLoadFromMap():
			b.edge(function, b.node(Map, ref, ""), false)
		}
	}
}

// addValues adds what a map holds from the beginning.
func (b *builder) addValues(m *object.Map) {
	from := b.node(Map, m.Name, "")
	for _, v := range m.Values {
		if v.Kind == object.MapReference {
			b.edge(from, b.node(Map, v.Name, ""), false)
			continue
		}
		b.edge(from, b.node(Program, v.Name, ""), m.Type == uapi.MapTypeProgramArray || m.Kind == object.StructOpsMap)
	}
}
