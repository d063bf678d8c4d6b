package graph

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteDOT writes the graph in the language of Graphviz.
func (g *Graph) WriteDOT(w io.Writer) error {
	var b strings.Builder
	b.WriteString("digraph object {\n\trankdir=LR;\n\tnode [fontname=\"sans-serif\"];\n")
	for i, n := range g.Nodes {
		shape := map[Kind]string{Program: "box", Function: "ellipse", Map: "cylinder", Data: "note"}[n.Kind]
		fmt.Fprintf(&b, "\tn%d [shape=%s, label=%s];\n", i, shape, strconv.Quote(n.Name+"\n"+n.Detail))
	}
	for _, e := range g.Edges {
		style := ""
		if e.Tail {
			style = " [style=dashed]"
		}
		fmt.Fprintf(&b, "\tn%d -> n%d%s;\n", e.From, e.To, style)
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}
