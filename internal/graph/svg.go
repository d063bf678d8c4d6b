package graph

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// style has a row for each kind of node: fill, line, and roundness of corners.
var style = [...]struct {
	fill, line string
	radius     int
}{
	Program:  {"#e8f0fe", "#3b6fc4", 4},
	Function: {"#f4f4f5", "#8a8a93", 20},
	Map:      {"#e9f6ec", "#3c9153", 4},
	Data:     {"#fdf3e1", "#c08a2b", 4},
}

// WriteSVG draws the graph.
func (g *Graph) WriteSVG(w io.Writer) error {
	d := g.layout()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" font-family="system-ui, sans-serif">`+"\n",
		d.width, d.height, d.width, d.height)
	b.WriteString(`<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#777"/></marker></defs>` + "\n")
	b.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	for _, r := range d.routes {
		d.drawRoute(&b, r)
	}
	for i, n := range d.nodes {
		if n.Kind != gap {
			drawNode(&b, n, d.boxes[i])
		}
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// drawRoute draws a line with a head at its end.
func (d *drawing) drawRoute(b *strings.Builder, r route) {
	b.WriteString(`<path d="`)
	for i := range len(r.nodes) - 1 {
		d.drawCurve(b, d.boxes[r.nodes[i]], d.boxes[r.nodes[i+1]], i == 0)
	}
	dash := ""
	if r.tail {
		dash = ` stroke-dasharray="5 4"`
	}
	fmt.Fprintf(b, `" fill="none" stroke="#777" stroke-width="1.2"%s marker-end="url(#head)"/>`+"\n", dash)
}

// drawCurve goes from the right side of one box to the left side of another,
// which is further right; to the right side if it is in the same column, and
// from left to right if it is further left. What isn't first on its route begins
// at the left side, where the last curve ended.
func (d *drawing) drawCurve(b *strings.Builder, from, to box, first bool) {
	x1, y1 := from.right()
	x2, y2 := to.left()
	bend := max((x2-x1)/2, 30)
	c1, c2 := x1+bend, x2-bend
	switch {
	case to.x < from.x:
		x1, y1 = from.left()
		x2, y2 = to.right()
		y1, y2 = y1+8, y2+8
		bend = max((x1-x2)/2, 30)
		c1, c2 = x1-bend, x2+bend
	case to.x == from.x:
		x2, y2 = to.right()
		c1, c2 = x1+60, x2+60
	}
	if first {
		fmt.Fprintf(b, "M%.1f,%.1f", x1, y1)
	} else {
		fmt.Fprintf(b, " L%.1f,%.1f", x1, y1)
	}
	fmt.Fprintf(b, " C%.1f,%.1f %.1f,%.1f %.1f,%.1f", c1, y1, c2, y2, x2, y2)
}

func drawNode(b *strings.Builder, n Node, at box) {
	s := style[n.Kind]
	fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%d" rx="%d" fill="%s" stroke="%s"/>`+"\n",
		at.x, at.y, at.width, nodeHeight, s.radius, s.fill, s.line)
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" font-size="13" font-weight="600" fill="#222">%s</text>`+"\n", at.x+padding, at.y+19, escape(n.Name))
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" font-size="11" fill="#555">%s</text>`+"\n", at.x+padding, at.y+35, escape(n.Detail))
}

// escape makes text from an object harmless in XML, whatever it has in it.
func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}
