package btf

import (
	"errors"
	"fmt"
	"slices"
)

// Dedup appends the types of b to w, which has no types yet, without those that
// are equal to an earlier one. It returns by which ID each type of b goes in w;
// ID 0 is void in both. Strings that no type has are left behind.
//
// Types are equal if everything is that can be reached from them, also in a
// circle, as with a list whose elements point to each other. Beyond that:
//
//   - A forward declaration, also of an enum, is equal to the definition of that
//     name, if all definitions of that name are equal and can't reach any two
//     that differ in spite of their name. Otherwise it stays.
//   - A variable or section isn't equal to any other.
//
// This is what libbpf's btf__dedup does with what compilers emit, but for
// forward declarations next to conflicting definitions: there it goes by where
// in a struct the declaration is used, so that it may merge more.
//
// A split BTF is refused.
func (b *BTF) Dedup(w *Writer) ([]uint32, error) {
	if b.base != nil {
		return nil, errors.New("types of a split BTF can't be deduplicated on their own")
	}
	if w.count != 0 {
		return nil, errors.New("deduplicated types can't be appended to others")
	}
	d := &deduper{b: b, w: w}
	if err := d.read(); err != nil {
		return nil, err
	}
	d.resolveForwards()
	return d.write(d.classes())
}

// deduper numbers nodes like types: node 0 is void.
type deduper struct {
	b *BTF
	w *Writer

	graph graph
	shape []uint32 // by node: equal for nodes that differ in nothing but the types they refer to
	count int      // of shapes

	tags  []tagNames
	tagOf []uint32          // by node, counted from one: its tag, 0 for what has none
	alias map[uint32]uint32 // forward declarations that have a definition
}

// tagNames are the types that share what C calls a tag: the name after struct,
// union or enum.
type tagNames struct{ definitions, forwards []uint32 }

type tagKey struct {
	kind Kind // struct, union or enum
	name uint32
}

// read finds shape, edges and tag of each type.
func (d *deduper) read() error {
	end := d.b.EndID()
	shapes := map[string]uint32{"": 0}
	tags := map[tagKey]uint32{}
	d.shape, d.tagOf = make([]uint32, 1, end), make([]uint32, 1, end)
	d.graph.start = make([]uint32, 2, end+1)
	scratch := NewWriter(nil, d.b.ByteOrder(), d.w.strs)
	for t := range d.b.All() {
		scratch.buf = scratch.buf[:0]
		if err := scratch.Copy(t, func(uint32) uint32 { return 0 }, d.name); err != nil {
			return fmt.Errorf("type %d: %w", t.ID(), err)
		}
		if k := t.Kind(); k == KindVar || k == KindDatasec {
			scratch.U32(t.ID()) // makes it unique
		}
		shape, ok := shapes[string(scratch.buf)]
		if !ok {
			shape = uint32(len(shapes))
			shapes[string(scratch.buf)] = shape
		}
		d.shape = append(d.shape, shape)
		var err error
		t.Refs(func(id uint32) {
			if id >= end {
				err = fmt.Errorf("type %d refers to type %d: %w", t.ID(), id, ErrNotFound)
			}
			d.graph.edges = append(d.graph.edges, id)
		})
		if err != nil {
			return err
		}
		d.graph.start = append(d.graph.start, uint32(len(d.graph.edges)))
		d.addTag(t, tags)
	}
	d.count = len(shapes)
	return scratch.err
}

// name moves a string.
func (d *deduper) name(off uint32) (uint32, error) {
	s, err := d.b.Name(off)
	if err != nil {
		return 0, err
	}
	return d.w.String(s), nil
}

// addTag files a type under its tag, if it has one.
func (d *deduper) addTag(t Type, tags map[tagKey]uint32) {
	d.tagOf = append(d.tagOf, 0)
	key := tagKey{kind: t.Kind(), name: t.NameOff()}
	forward := false
	switch t.Kind() {
	case KindStruct, KindUnion:
	case KindEnum, KindEnum64:
		key.kind, forward = KindEnum, t.Vlen() == 0
	case KindFwd:
		key.kind, forward = KindStruct, true
		if t.KindFlag() {
			key.kind = KindUnion
		}
	default:
		return
	}
	// Offsets of equal names may differ in b, but not in w.
	if key.name, _ = d.name(key.name); key.name == 0 {
		return
	}
	n, ok := tags[key]
	if !ok {
		d.tags = append(d.tags, tagNames{})
		n = uint32(len(d.tags))
		tags[key] = n
	}
	d.tagOf[t.ID()] = n
	list := &d.tags[n-1].definitions
	if forward {
		list = &d.tags[n-1].forwards
	}
	*list = append(*list, t.ID())
}

// resolveForwards finds out which forward declarations have one definition.
func (d *deduper) resolveForwards() {
	d.alias = map[uint32]uint32{}
	if !slices.ContainsFunc(d.tags, func(t tagNames) bool { return len(t.forwards) > 0 && len(t.definitions) > 0 }) {
		return
	}
	ambiguous := d.ambiguousTags()
	for i, t := range d.tags {
		if ambiguous[i] || len(t.definitions) == 0 {
			continue
		}
		for _, f := range t.forwards {
			d.alias[f] = t.definitions[0]
		}
	}
}

// ambiguousTags returns, by tag, whether there are definitions that differ, or
// can reach such.
func (d *deduper) ambiguousTags() []bool {
	class := d.classesByTag()
	ambiguous := make([]bool, len(d.tags))
	var queue []uint32
	taint := func(tag int) {
		if !ambiguous[tag] {
			ambiguous[tag] = true
			queue = append(append(queue, d.tags[tag].definitions...), d.tags[tag].forwards...)
		}
	}
	for i, t := range d.tags {
		for _, def := range t.definitions {
			if class[def] != class[t.definitions[0]] {
				taint(i)
			}
		}
	}
	reverse, from := d.graph.reverse()
	seen := make([]bool, d.graph.nodes())
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, f := range from[reverse[n]:reverse[n+1]] {
			if seen[f.node] {
				continue
			}
			seen[f.node] = true
			queue = append(queue, f.node)
			if tag := d.tagOf[f.node]; tag != 0 {
				taint(int(tag) - 1)
			}
		}
	}
	return ambiguous
}

// classesByTag compares types on the assumption that those with the same tag
// are equal. If that turns out to hold for the tags themselves, it was right.
func (d *deduper) classesByTag() []uint32 {
	n := uint32(d.graph.nodes())
	g := graph{start: slices.Clone(d.graph.start), edges: slices.Clone(d.graph.edges)}
	for i, to := range g.edges {
		if tag := d.tagOf[to]; tag != 0 {
			g.edges[i] = n + tag - 1
		}
	}
	class := slices.Clone(d.shape)
	for i := range d.tags { // a node for each tag, in a class of its own
		g.start = append(g.start, uint32(len(g.edges)))
		class = append(class, uint32(d.count+i))
	}
	return refine(&g, class, d.count+len(d.tags))
}

// classes returns which types are equal.
func (d *deduper) classes() []uint32 {
	g := graph{start: d.graph.start, edges: slices.Clone(d.graph.edges)}
	for i, to := range g.edges {
		if definition, ok := d.alias[to]; ok {
			g.edges[i] = definition
		}
	}
	class := refine(&g, d.shape, d.count)
	for forward, definition := range d.alias {
		class[forward] = class[definition]
	}
	return class
}

// write appends the first type of each class.
func (d *deduper) write(class []uint32) ([]uint32, error) {
	ids := make([]uint32, d.graph.nodes())
	byClass := map[uint32]uint32{class[0]: 0}
	var kept []uint32
	for n := uint32(1); n < uint32(len(ids)); n++ {
		if _, isAlias := d.alias[n]; isAlias {
			continue
		}
		if _, ok := byClass[class[n]]; !ok {
			kept = append(kept, n)
			byClass[class[n]] = uint32(len(kept))
		}
	}
	for n := range ids {
		ids[n] = byClass[class[n]]
	}
	for _, n := range kept {
		t, err := d.b.Type(n)
		if err != nil {
			return nil, err
		}
		if err := d.w.Copy(t, func(id uint32) uint32 { return ids[id] }, d.name); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
