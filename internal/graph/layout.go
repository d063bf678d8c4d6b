package graph

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

// Sizes in pixels.
const (
	nodeHeight = 44
	rowGap     = 14
	columnGap  = 110
	margin     = 24
	charWidth  = 8.2 // of the larger line of text, on average
	padding    = 14
)

// box is where a node is drawn.
type box struct{ x, y, width float64 }

func (b box) left() (x, y float64)  { return b.x, b.y + nodeHeight/2 }
func (b box) right() (x, y float64) { return b.x + b.width, b.y + nodeHeight/2 }

// layout puts nodes into columns: programs, the functions that they call by how
// far away they are, and maps. Within a column, what refers to the same things
// is close together.
func (g *Graph) layout() (boxes []box, width, height float64) {
	columns := g.columns()
	g.untangle(columns)
	boxes = make([]box, len(g.Nodes))
	tallest := 0
	for _, column := range columns {
		tallest = max(tallest, len(column))
	}
	height = 2*margin + float64(tallest)*(nodeHeight+rowGap) - rowGap
	x := float64(margin)
	for _, column := range columns {
		widest := 0.0
		for _, n := range column {
			widest = max(widest, g.Nodes[n].width())
		}
		used := float64(len(column))*(nodeHeight+rowGap) - rowGap
		y := (height - used) / 2
		for _, n := range column {
			boxes[n] = box{x, y, widest}
			y += nodeHeight + rowGap
		}
		x += widest + columnGap
	}
	return boxes, max(x-columnGap+margin, 2*margin), max(height, 2*margin)
}

func (n Node) width() float64 {
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
func (g *Graph) untangle(columns [][]int) {
	place := make([]float64, len(g.Nodes))
	renumber := func(column []int) {
		for i, n := range column {
			place[n] = float64(i) - float64(len(column))/2
		}
	}
	for _, column := range columns {
		renumber(column)
	}
	for round := range 8 {
		for i := range columns {
			column := columns[i]
			if round%2 == 1 {
				column = columns[len(columns)-1-i]
			}
			wish := make(map[int]float64, len(column))
			for _, n := range column {
				wish[n] = g.neighbours(n, place)
			}
			slices.SortStableFunc(column, func(a, b int) int { return cmp.Compare(wish[a], wish[b]) })
			renumber(column)
		}
	}
}

// neighbours is the average place of what n refers to and what refers to it.
func (g *Graph) neighbours(n int, place []float64) float64 {
	sum, count := 0.0, 0.0
	for _, e := range g.Edges {
		switch n {
		case e.From:
			sum += place[e.To]
		case e.To:
			sum += place[e.From]
		default:
			continue
		}
		count++
	}
	if count == 0 {
		return place[n]
	}
	return sum / count
}
