package codegen

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// leaf is a member of a struct or union, or of anonymous ones inside of it.
type leaf struct {
	c    string
	typ  GoType
	bit  uint64 // from the start of the whole type
	bits uint32 // of a bitfield, else 0
	// union is the anonymous union it is in: an index into layout.unions, or
	// one of the constants below.
	union int
}

const (
	noUnion   = -1 // it has its bytes for itself
	wholeType = -2 // it shares them because the whole type is a union
)

func (l leaf) start() uint64 { return l.bit / 8 }

func (l leaf) end() uint64 {
	if l.bits > 0 {
		return (l.bit + uint64(l.bits) + 7) / 8
	}
	return l.start() + uint64(l.typ.Size)
}

// slot is a run of bytes in a struct that one Go field stands for.
type slot struct {
	start, end uint64
	leaves     []int
	direct     bool   // the field is the leaf itself, instead of bytes for accessors
	name       string // of a field of bytes
}

// layout works out the Go declaration of one struct or union.
type layout struct {
	b *typeBuilder
	place
	size  uint32
	scope *scope // of fields and methods

	leaves []leaf
	unions []slot
	notes  []string
}

func (b *typeBuilder) newLayout(where place, size uint32) *layout {
	return &layout{b: b, place: where, size: size, scope: newScope("")}
}

// flatten collects the members, those of anonymous structs and unions as if
// they were declared here, as C lets one use them.
func (l *layout) flatten(members []btf.Member, base uint64, union, depth int) {
	for _, m := range members {
		bit := base + uint64(m.Offset)
		core, _, _ := peel(m.Type)
		nested := membersOf(core)
		switch {
		case m.Name == "" && nested != nil && depth < maxDepth:
			inside := union
			if u, ok := core.(*btf.Union); ok && union == noUnion {
				inside = len(l.unions)
				l.unions = append(l.unions, slot{start: bit / 8, end: bit/8 + uint64(u.Size), name: "Union" + strconv.FormatUint(bit/8, 10)})
			}
			l.flatten(nested, bit, inside, depth+1)
		case m.Name == "":
			// An unnamed bitfield, or an empty struct: padding by another name.
		default:
			l.add(m, bit, union)
		}
	}
}

func (l *layout) add(m btf.Member, bit uint64, union int) {
	lf := leaf{c: m.Name, bit: bit, bits: uint32(m.BitfieldSize), union: union}
	typ, err := l.b.goType(m.Type, place{l.name + goName(m.Name), "the type of " + m.Name + " in " + strings.TrimPrefix(l.label, "the type of ")}, 0)
	if err != nil {
		size, sizeErr := btf.Sizeof(m.Type)
		if sizeErr != nil || size < 0 || uint64(size) > uint64(l.size) {
			l.b.warn(l.label, m.Name, err.Error()+": left out")
			return
		}
		l.b.warn(l.label, m.Name, fmt.Sprintf("%v: %d opaque bytes", err, size))
		typ = bytesType(uint32(size))
		typ.Comment = cSpelling(m.Type)
	}
	lf.typ = typ
	switch {
	case lf.bits == 0 && typ.Size == 0:
		// Go pads a struct that ends in an empty field, C doesn't.
		l.notes = append(l.notes, fmt.Sprintf("C also has %s, of type %s and without size, at offset %d.", m.Name, cSpelling(m.Type), lf.start()))
	case lf.end() > uint64(l.size):
		l.b.warn(l.label, m.Name, fmt.Sprintf("it ends %d bytes after the type: left out", lf.end()-uint64(l.size)))
	default:
		l.leaves = append(l.leaves, lf)
	}
}

// declareOverlay makes the type one run of bytes with accessors.
func (l *layout) declareOverlay(decl *TypeDecl) {
	whole := slot{end: uint64(l.size), name: "Raw"}
	decl.Kind, decl.Size, decl.Align = DeclUnion, l.size, 1
	for i, lf := range l.leaves {
		whole.leaves = append(whole.leaves, i)
		decl.Align = max(decl.Align, lf.typ.Align)
	}
	decl.Align = largestAlign(l.size, decl.Align)
	decl.Doc = l.notes
	l.scope.taken[whole.name] = true
	l.accessors(decl, whole, l.bases())
}

// declareStruct gives each member a field where Go allows it, bytes and
// accessors elsewhere.
func (l *layout) declareStruct(decl *TypeDecl) {
	slots, ok := l.slots()
	if !ok {
		l.b.warn(l.label, "", "members overlap: all of them become accessors")
		l.declareOverlay(decl)
		return
	}
	bases := l.bases()
	decl.Kind, decl.Size, decl.Align = DeclStruct, l.size, 1
	decl.Doc = l.notes
	at := uint64(0)
	for _, s := range slots {
		decl.pad(at, s.start)
		at = s.end
		field := Field{Offset: uint32(s.start)}
		if s.direct {
			lf := l.leaves[s.leaves[0]]
			field.Name, field.C, field.Type, field.Comment = bases[s.leaves[0]], lf.c, lf.typ, lf.typ.Comment
		} else {
			if s.name == "" {
				s.name = bases[s.leaves[0]] + "Bytes"
			}
			s.name = l.scope.take(s.name)
			field.Name, field.Type = s.name, bytesType(uint32(s.end-s.start))
			l.accessors(decl, s, bases)
		}
		decl.Align = max(decl.Align, field.Type.Align)
		decl.Fields = append(decl.Fields, field)
	}
	decl.pad(at, uint64(l.size))
}

// pad adds a field for bytes that no member uses.
func (d *TypeDecl) pad(from, to uint64) {
	if to > from {
		d.Fields = append(d.Fields, Field{Offset: uint32(from), Type: bytesType(uint32(to - from))})
	}
}

// slots returns the fields of a struct by offset. ok is false if they overlap.
func (l *layout) slots() (slots []slot, ok bool) {
	slots = slices.Clone(l.unions)
	bits := -1 // the slot that the next bitfield may share
	for i, lf := range l.leaves {
		switch {
		case lf.union >= 0:
			slots[lf.union].leaves = append(slots[lf.union].leaves, i)
		case lf.bits == 0:
			slots = append(slots, slot{start: lf.start(), end: lf.end(), leaves: []int{i}, direct: l.fits(lf)})
		case bits >= 0 && lf.start() <= slots[bits].end && lf.start() >= slots[bits].start:
			slots[bits].end = max(slots[bits].end, lf.end())
			slots[bits].leaves = append(slots[bits].leaves, i)
		default:
			bits = len(slots)
			slots = append(slots, slot{start: lf.start(), end: lf.end(), leaves: []int{i}, name: "Bits" + strconv.FormatUint(lf.start(), 10)})
		}
	}
	slots = slices.DeleteFunc(slots, func(s slot) bool { return s.start == s.end })
	slices.SortStableFunc(slots, func(a, b slot) int { return cmp.Compare(a.start, b.start) })
	for i, s := range slots {
		if s.end > uint64(l.size) || i > 0 && s.start < slots[i-1].end {
			return nil, false
		}
	}
	return slots, true
}

// fits tells whether Go would put a field of that type where C has it, and not
// round up the size of the struct because of it.
func (l *layout) fits(lf leaf) bool {
	return lf.start()%uint64(lf.typ.Align) == 0 && l.size%lf.typ.Align == 0
}

// bases returns the Go name of each leaf.
func (l *layout) bases() []string {
	requests := make([]nameRequest, len(l.leaves))
	for i, lf := range l.leaves {
		requests[i] = nameRequest{lf.c, "Field"}
	}
	return l.scope.assign(requests)
}

// accessors declares methods for the leaves in the bytes of s.
func (l *layout) accessors(decl *TypeDecl, s slot, bases []string) {
	for _, i := range s.leaves {
		lf := l.leaves[i]
		a := Accessor{
			C: lf.c, Type: lf.typ, Storage: s.name, Offset: uint32(lf.start() - s.start),
			BitOffset: uint32(lf.bit - s.start*8), Bits: lf.bits, BigEndian: lf.bits > 0 && l.b.bigEndian,
		}
		if lf.bits > 0 && (a.BitOffset%8+lf.bits > 64 || lf.typ.Elem != nil) {
			l.b.warn(l.label, lf.c, fmt.Sprintf("bitfield of %d bits across more than 8 bytes: no accessor, its bits are in %s", lf.bits, s.name))
			continue
		}
		a.Get = bases[i]
		if lf.union != noUnion || decl.Kind == DeclUnion {
			a.Get = l.scope.take("As" + bases[i])
		}
		a.Set = l.scope.take("Set" + bases[i])
		decl.Accessors = append(decl.Accessors, a)
	}
}
