package corerelo

import (
	"fmt"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// A found is a path's counterpart in a candidate: where the field is, which enumerator it is, or just the type.
type found struct {
	place place
	value uint64
	wide  bool
}

// A candidate is a type that has the name and kind of a path's root.
type candidate struct {
	types *types
	id    uint32
}

func (c candidate) String() string {
	typ, err := c.types.Type(c.id)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s (type ID %d of %s)", c.types.describe(typ), c.id, c.types.name)
}

// A mismatch is why a candidate lacks what a path asks for. The zero value says that it doesn't.
//
// It costs nothing to make, as most of them are never looked at.
type mismatch struct {
	why        why
	step       uint8
	local, own uint32 // types that don't agree
}

type why uint8

const (
	matches why = iota
	noCandidate
	noMember
	noEnumerator
	notComposite
	notArray
	outOfBounds
	otherType
)

// match looks for the counterpart of a path in a candidate.
func match(local *types, p *path, c candidate, work *budget) (found, mismatch, error) {
	if err := work.spend(1 + len(p.steps)); err != nil {
		return found{}, mismatch{}, err
	}
	switch {
	case p.kind == btf.CORETypeMatches:
		same, err := pair{local, c.types, work}.matching(p.root.ID(), c.id, false, 0)
		return found{}, unless(same, p.root.ID(), c.id), err
	case p.kind.IsType():
		same, err := pair{local, c.types, work}.compatible(p.root.ID(), c.id, 0)
		return found{}, unless(same, p.root.ID(), c.id), err
	case p.kind.IsEnumval():
		return matchEnumerator(p, c, work)
	default:
		return matchField(local, p, c, work)
	}
}

func unless(same bool, local, own uint32) mismatch {
	if same {
		return mismatch{}
	}
	return mismatch{why: otherType, local: local, own: own}
}

func matchEnumerator(p *path, c candidate, work *budget) (found, mismatch, error) {
	typ, err := c.types.resolve(c.id)
	if err != nil {
		return found{}, mismatch{}, err
	}
	none := mismatch{why: noEnumerator, own: typ.ID()}
	if !anyEnum.Has(typ.Kind()) {
		return found{}, none, nil
	}
	if err := work.spend(typ.Vlen()); err != nil {
		return found{}, mismatch{}, err
	}
	name := rawbtf.EssentialName(p.steps[0].name)
	for i := range typ.Vlen() {
		if v := typ.EnumValue(i); c.types.essentialIs(v.NameOff, name) {
			return found{value: v.Value, wide: typ.Kind() == rawbtf.KindEnum64}, mismatch{}, nil
		}
	}
	return found{}, none, nil
}

// matchField retraces the steps of a path in a candidate.
func matchField(local *types, p *path, c candidate, work *budget) (found, mismatch, error) {
	s := search{pair: pair{local, c.types, work}}
	id := c.id
	for i := range p.steps {
		typ, err := c.types.resolve(id)
		if err != nil {
			return found{}, mismatch{}, err
		}
		var why why
		switch step := &p.steps[i]; {
		case i == 0:
			id, err = typ.ID(), s.place.index(c.types, step.index, typ.ID())
		case step.name != "":
			id, why, err = s.member(typ, step)
		default:
			id, why, err = s.element(typ, step)
		}
		if err != nil || why != matches {
			return found{}, mismatch{why, uint8(i), p.steps[i].typ, id}, err
		}
	}
	return found{place: s.place}, mismatch{}, nil
}

// A search is a walk through a candidate.
type search struct {
	pair
	place place
	depth int
}

// element steps into an array. It returns the element's type, or the type to blame.
func (s *search) element(typ rawbtf.Type, step *step) (uint32, why, error) {
	if typ.Kind() != rawbtf.KindArray {
		return typ.ID(), notArray, nil
	}
	if !s.place.inBounds(s.target, typ, step.index) {
		return typ.ID(), outOfBounds, nil
	}
	id, _, _ := typ.Array()
	elem, err := s.target.resolve(id)
	if err != nil {
		return 0, matches, err
	}
	if err := s.deeper(); err != nil {
		return 0, matches, err
	}
	return elem.ID(), matches, s.place.index(s.target, step.index, elem.ID())
}

// deeper counts a level of nesting. libbpf gives up at the same number of them.
func (s *search) deeper() error {
	if s.depth++; s.depth >= maxAccess {
		return fmt.Errorf("fields are nested more than %d levels deep", maxAccess)
	}
	return nil
}

// member steps into a struct or union, and into what it embeds without a name. It returns the member's type, or the type to blame.
func (s *search) member(typ rawbtf.Type, step *step) (uint32, why, error) {
	if !composite.Has(typ.Kind()) {
		return typ.ID(), notComposite, nil
	}
	if err := s.deeper(); err != nil {
		return 0, matches, err
	}
	if err := s.work.spend(typ.Vlen()); err != nil {
		return 0, matches, err
	}
	start, depth := s.place.bits, s.depth
	blamed, reason := typ.ID(), noMember
	for i := range typ.Vlen() {
		m := typ.Member(i)
		s.place.bits = start + uint64(m.Offset)
		if s.place.bits > maxBits {
			return 0, matches, errTooLarge
		}
		if m.NameOff == 0 {
			id, why, err := s.embedded(m.Type, step)
			if err != nil || why == matches {
				return id, why, err
			}
			if why == otherType {
				blamed, reason = id, why
			}
			s.depth = depth
			continue
		}
		if !s.target.NameIs(m.NameOff, step.name) {
			continue
		}
		s.place.typ, s.place.member = typ.ID(), i
		same, err := s.fields(step.typ, m.Type)
		if err == nil && !same {
			return m.Type, otherType, nil
		}
		return m.Type, matches, err
	}
	s.place.bits = start
	return blamed, reason, nil
}

// embedded looks for a member in an unnamed member.
func (s *search) embedded(id uint32, step *step) (uint32, why, error) {
	typ, err := s.target.resolve(id)
	if err != nil {
		return 0, matches, err
	}
	return s.member(typ, step)
}
