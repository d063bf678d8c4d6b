package btf

import (
	"cmp"
	"slices"
)

// graph is who refers to whom: the targets of node n are
// edges[start[n]:start[n+1]], in an order that matters.
type graph struct {
	start []uint32
	edges []uint32
}

func (g *graph) nodes() int { return len(g.start) - 1 }

func (g *graph) targets(n uint32) []uint32 { return g.edges[g.start[n]:g.start[n+1]] }

// referrer is an edge seen from its target.
type referrer struct{ node, position uint32 }

// reverse returns, for each node, the edges that lead to it.
func (g *graph) reverse() (start []uint32, from []referrer) {
	start = make([]uint32, g.nodes()+1)
	for _, to := range g.edges {
		start[to+1]++
	}
	for i := range g.nodes() {
		start[i+1] += start[i]
	}
	next := slices.Clone(start)
	from = make([]referrer, len(g.edges))
	for n := range uint32(g.nodes()) {
		for i, to := range g.targets(n) {
			from[next[to]] = referrer{n, uint32(i)}
			next[to]++
		}
	}
	return start, from
}

// partition divides the nodes of a graph into classes, and refines them until
// two nodes are in the same class only if their edges, one by one, lead to the
// same classes. It begins with few classes and splits no more than it has to,
// so that equal cycles end up in the same classes as well.
//
// A split renumbers all parts but the largest. A node can then get a new number
// only as often as its class can be halved, which bounds the work to the number
// of edges times a logarithm, however the graph is made.
type partition struct {
	class   []uint32   // by node
	ranges  []span     // by class
	members []uint32   // nodes, those of a class side by side
	place   []uint32   // of nodes in members
	sums    []checksum // by node: what the classes of its targets add up to

	reverse  []uint32 // see graph.reverse
	from     []referrer
	touched  []uint32 // nodes whose sum has changed
	isFresh  []bool   // by node: is in touched
	relabels []relabel
}

type span struct{ first, size uint32 }

// relabel says that a node has got another class.
type relabel struct{ node, old uint32 }

// checksum stands for a sequence of classes. 128 bits make a collision
// something that doesn't happen.
type checksum struct{ a, b uint64 }

func (c checksum) compare(d checksum) int {
	return cmp.Or(cmp.Compare(c.a, d.a), cmp.Compare(c.b, d.b))
}

// term is what an edge adds to a checksum.
func term(position, class uint32) checksum {
	x := uint64(position)<<32 | uint64(class)
	return checksum{mix(x + 0x9e3779b97f4a7c15), mix(x ^ 0xd1b54a32d192ed03)}
}

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// refine returns the classes of all nodes. Those that it is given, numbered
// from zero to count-1, say which nodes may be equal at all.
func refine(g *graph, class []uint32, count int) []uint32 {
	n := g.nodes()
	p := &partition{
		class: slices.Clone(class), ranges: make([]span, count, count+n/4),
		members: make([]uint32, n), place: make([]uint32, n), sums: make([]checksum, n),
		touched: make([]uint32, n), isFresh: make([]bool, n),
	}
	p.reverse, p.from = g.reverse()
	p.arrange()
	for i := range p.touched {
		p.touched[i], p.isFresh[i] = uint32(i), true
		for position, to := range g.targets(uint32(i)) {
			t := term(uint32(position), p.class[to])
			p.sums[i].a += t.a
			p.sums[i].b += t.b
		}
	}
	for len(p.touched) > 0 {
		p.round()
	}
	return p.class
}

// arrange puts members of the same class side by side.
func (p *partition) arrange() {
	for _, c := range p.class {
		p.ranges[c].size++
	}
	first := uint32(0)
	for c := range p.ranges {
		p.ranges[c].first = first
		first += p.ranges[c].size
		p.ranges[c].size = 0
	}
	for i, c := range p.class {
		r := &p.ranges[c]
		p.put(r.first+r.size, uint32(i))
		r.size++
	}
}

func (p *partition) put(place, node uint32) { p.members[place], p.place[node] = node, place }

// round splits the classes of touched nodes, and touches what refers to nodes
// with a new class.
func (p *partition) round() {
	slices.SortFunc(p.touched, func(x, y uint32) int {
		return cmp.Or(cmp.Compare(p.class[x], p.class[y]), p.sums[x].compare(p.sums[y]), cmp.Compare(x, y))
	})
	p.relabels = p.relabels[:0]
	for rest := p.touched; len(rest) > 0; {
		c, n := p.class[rest[0]], 1
		for n < len(rest) && p.class[rest[n]] == c {
			n++
		}
		p.split(c, rest[:n])
		rest = rest[n:]
	}
	for _, n := range p.touched {
		p.isFresh[n] = false
	}
	p.touched = p.touched[:0]
	for _, r := range p.relabels {
		p.spread(r)
	}
}

// split divides class c, some members of which are touched and sorted by their
// sums. The largest part stays.
func (p *partition) split(c uint32, touched []uint32) {
	untouched := int(p.ranges[c].size) - len(touched)
	stays, largest := -1, untouched // where in touched the part starts that stays
	for i := 0; i < len(touched); {
		n := p.equals(touched[i:])
		if n > largest {
			stays, largest = i, n
		}
		i += n
	}
	for i := 0; i < len(touched); {
		n := p.equals(touched[i:])
		if i != stays {
			p.move(c, touched[i:i+n])
		}
		i += n
	}
	if stays >= 0 && untouched > 0 {
		r := p.ranges[c]
		var others []uint32
		for _, n := range p.members[r.first : r.first+r.size] {
			if !p.isFresh[n] {
				others = append(others, n)
			}
		}
		p.move(c, others)
	}
}

// equals returns how many nodes at the start have the same sum.
func (p *partition) equals(nodes []uint32) int {
	n := 1
	for n < len(nodes) && p.sums[nodes[n]] == p.sums[nodes[0]] {
		n++
	}
	return n
}

// move makes a class of some members of another.
func (p *partition) move(from uint32, nodes []uint32) {
	to := uint32(len(p.ranges))
	r := &p.ranges[from]
	for _, n := range nodes {
		r.size--
		last, hole := r.first+r.size, p.place[n]
		p.put(hole, p.members[last])
		p.put(last, n)
		p.class[n] = to
		p.relabels = append(p.relabels, relabel{n, from})
	}
	p.ranges = append(p.ranges, span{r.first + r.size, uint32(len(nodes))})
}

// spread corrects the sums of what refers to a node with a new class.
func (p *partition) spread(r relabel) {
	for _, f := range p.from[p.reverse[r.node]:p.reverse[r.node+1]] {
		gone, come := term(f.position, r.old), term(f.position, p.class[r.node])
		p.sums[f.node].a += come.a - gone.a
		p.sums[f.node].b += come.b - gone.b
		if !p.isFresh[f.node] {
			p.isFresh[f.node] = true
			p.touched = append(p.touched, f.node)
		}
	}
}
