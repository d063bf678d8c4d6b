package graph

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

// Sizes in pixels.
const (
	nodeHeight = 44
	gapHeight  = 8
	rowGap     = 14
	columnGap  = 110
	margin     = 24
	charWidth  = 8.2 // of the larger line of text, on average
	padding    = 14
)

// box is where a node is drawn.
type box struct{ x, y, width, height float64 }

func (b box) left() (x, y float64)  { return b.x, b.y + b.height/2 }
func (b box) right() (x, y float64) { return b.x + b.width, b.y + b.height/2 }

// drawing is a graph with a place for everything.
type drawing struct {
	nodes         []Node
	boxes         []box
	routes        []route
	width, height float64
}

// route is the way of an edge: the nodes that it passes, from end to end.
type route struct {
	nodes []int
	tail  bool
}

// layout puts nodes into columns: programs, the functions that they call by how
// far away they are, and maps. Within a column, what refers to the same things
// is close together. An edge that passes a column goes through a gap there.
func (g *Graph) layout() *drawing {
	columns := g.columns()
	d := &drawing{nodes: slices.Clone(g.Nodes)}
	columns = d.route(g.Edges, columns)
	links := d.links()
	untangle(columns, links, len(d.nodes))
	d.place(columns)
	return d
}

// route finds the way of each edge. Edges to the same node share their gaps.
func (d *drawing) route(edges []Edge, columns [][]int) [][]int {
	columnOf := make([]int, len(d.nodes))
	for i, column := range columns {
		for _, n := range column {
			columnOf[n] = i
		}
	}
	type passage struct{ to, column int }
	gaps := make(map[passage]int)
	for _, e := range edges {
		way := []int{e.From}
		for i := columnOf[e.From] + 1; i < columnOf[e.To]; i++ {
			n, ok := gaps[passage{e.To, i}]
			if !ok {
				n = len(d.nodes)
				gaps[passage{e.To, i}] = n
				d.nodes = append(d.nodes, Node{Kind: gap})
				columns[i] = append(columns[i], n)
			}
			way = append(way, n)
		}
		d.routes = append(d.routes, route{append(way, e.To), e.Tail})
	}
	return columns
}

// links are the pairs of nodes that stand next to each other on a route.
func (d *drawing) links() []Edge {
	var links []Edge
	for _, r := range d.routes {
		for i := range len(r.nodes) - 1 {
			links = append(links, Edge{From: r.nodes[i], To: r.nodes[i+1]})
		}
	}
	return links
}

// place gives each node its box, column by column, centred.
func (d *drawing) place(columns [][]int) {
	d.boxes = make([]box, len(d.nodes))
	tall := func(column []int) (height float64) {
		for _, n := range column {
			height += d.nodes[n].height() + rowGap
		}
		return height - rowGap
	}
	for _, column := range columns {
		d.height = max(d.height, tall(column))
	}
	d.height += 2 * margin
	x := float64(margin)
	for _, column := range columns {
		widest := 0.0
		for _, n := range column {
			widest = max(widest, d.nodes[n].width())
		}
		y := (d.height - tall(column)) / 2
		for _, n := range column {
			d.boxes[n] = box{x, y, widest, d.nodes[n].height()}
			y += d.nodes[n].height() + rowGap
		}
		x += widest + columnGap
	}
	d.width = max(x-columnGap+margin, 2*margin)
}

func (n Node) height() float64 {
	if n.Kind == gap {
		return gapHeight
	}
	return nodeHeight
}

func (n Node) width() float64 {
	if n.Kind == gap {
		return 0
	}
	chars := max(float64(utf8.RuneCountInString(n.Name)), 0.85*float64(utf8.RuneCountInString(n.Detail)))
	return chars*charWidth + 2*padding
}

// columns are the nodes from left to right; none is empty.
func (g *Graph) columns() [][]int {
	depth := g.depths()
	last := 0
	for i, n := range g.Nodes {
		if n.Kind == Function {
			last = max(last, depth[i])
		}
	}
	all := make([][]int, last+2)
	for i, n := range g.Nodes {
		switch n.Kind {
		case Program:
			all[0] = append(all[0], i)
		case Function:
			all[depth[i]] = append(all[depth[i]], i)
		default:
			all[last+1] = append(all[last+1], i)
		}
	}
	return slices.DeleteFunc(all, func(column []int) bool { return len(column) == 0 })
}

// depths are how many calls away from a program each function is at most,
// starting at one. Recursion ends where it has been before.
func (g *Graph) depths() []int {
	depth := make([]int, len(g.Nodes))
	for range g.Nodes {
		changed := false
		for _, e := range g.Edges {
			if g.Nodes[e.To].Kind == Function && depth[e.To] <= depth[e.From] && depth[e.From] < maxDepth {
				depth[e.To] = depth[e.From] + 1
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	return depth
}

// maxDepth is the verifier's limit of nested calls.
const maxDepth = 8

// untangle orders each column by the average place of its neighbours, to and
// fro: the barycentre method.
func untangle(columns [][]int, links []Edge, nodes int) {
	place := make([]float64, nodes)
	renumber := func(column []int) {
		for i, n := range column {
			place[n] = float64(i) - float64(len(column))/2
		}
	}
	for _, column := range columns {
		renumber(column)
	}
	sum, count := make([]float64, nodes), make([]float64, nodes)
	for round := range 8 {
		for i := range columns {
			column := columns[i]
			if round%2 == 1 {
				column = columns[len(columns)-1-i]
			}
			clear(sum)
			clear(count)
			for _, l := range links {
				sum[l.From], count[l.From] = sum[l.From]+place[l.To], count[l.From]+1
				sum[l.To], count[l.To] = sum[l.To]+place[l.From], count[l.To]+1
			}
			wish := func(n int) float64 {
				if count[n] == 0 {
					return place[n]
				}
				return sum[n] / count[n]
			}
			slices.SortStableFunc(column, func(a, b int) int { return cmp.Compare(wish(a), wish(b)) })
			renumber(column)
		}
	}
}
