package btf

import (
	"runtime"
)

// head is what a scan tells of a record.
type head struct {
	id, name uint32
	kind     Kind
}

const (
	allKinds = ^KindSet(0)
	batch    = 64  // heads to look at together
	stretch  = 512 // records after which a scan asks whether it may end
)

// scanner goes over the records of a BTF.
type scanner struct {
	*BTF
	build *index // to continue, or nil
	kinds KindSet
	heads []head // of records of these kinds, for use
	use   func([]head)

	count  uint32 // records so far
	off    int    // of the next
	wanted int    // heads that wait to be used
	used   int    // heads that don't
}

// run goes over all records; or over fewer, if no wanted one can be among the rest,
// which in kernels are the functions: half of all types.
func (s *scanner) run() {
	if s.build != nil {
		s.count, s.off = s.build.count, s.build.end
	}
	whole := false
	for looked := 0; ; {
		found := s.used + s.wanted
		if whole = !s.walk(s.count + stretch); whole {
			break
		}
		if s.used+s.wanted > found || s.off < looked || !s.mayEndEarly() {
			continue
		}
		if looked = s.possible(s.off); looked == len(s.types) {
			break
		}
	}
	if s.wanted > 0 {
		s.use(s.heads[:s.wanted])
	}
	if s.build != nil {
		s.build.count, s.build.end = s.count, s.off
		if s.build.whole = whole; whole {
			sortKeyed(s.build.tags)
		}
	}
	runtime.KeepAlive(s.BTF)
}

// walk goes over records up to the given number. It returns false at the end, or
// in front of a record that is malformed.
//
// A record's size says where the next one starts, so that this takes as long as
// waiting for one size after another. Meanwhile the processor works ahead, as long
// as all goes as expected. So the decisions here are those that nearly always go
// one way. Which records are wanted can't be foreseen: the head of each is noted,
// and overwritten by the next one's if it wasn't.
func (s *scanner) walk(until uint32) (more bool) {
	types, sizes, big, build, kinds, heads := s.types, s.sizes, s.big, s.build, s.kinds, s.heads
	n, off, wanted := s.count, s.off, s.wanted
	for ; n < until; n++ {
		if len(types)-off < recordLen {
			break
		}
		p := types[off : off+recordLen : off+recordLen]
		name, info := load(p, big), load(p[4:], big)
		size := sizes.of(info)
		if uint(size-1) >= uint(len(types)-off) { // none, or too much
			break
		}
		kind := kindOf(info)
		if build != nil {
			if n&(build.stride-1) == 0 {
				build.offsets = append(build.offsets, uint32(off))
			}
			if noted>>(kind&31)&1 != 0 {
				build.note(s.BTF, s.firstID+n, kind, types[off:off+size])
			}
		}
		if wanted < len(heads) {
			heads[wanted] = head{s.firstID + n, name, kind}
			if wanted += int(kinds >> (kind & 31) & 1); wanted == len(heads) {
				s.use(heads)
				s.used += wanted
				wanted = 0
			}
		}
		off += size
	}
	s.count, s.off, s.wanted = n, off, wanted
	return n == until
}

// mayEndEarly says whether it is worth to ask where the next wanted record may be.
// It isn't for the index, which has all records, nor if functions are wanted, which
// come last. Where there are kinds that this package doesn't know, records may
// start between words.
func (s *scanner) mayEndEarly() bool {
	return s.kinds != 0 && s.kinds&frequent == 0 && s.sizes == &knownSizes
}

// possible returns the place of the first word, from off on, that may tell the kind
// of a wanted record; or the size of the section, if there is none. As it doesn't ask
// where records start, it takes a fraction of the time of going over them.
func (s *scanner) possible(off int) int {
	var wanted [256]uint8 // by top byte
	for i := range wanted {
		wanted[i] = uint8(s.kinds >> (i & 31) & 1)
	}
	top := 3
	if s.big {
		top = 0
	}
	p := s.types[off:]
	for len(p) >= 16 && wanted[p[top]]|wanted[p[top+4]]|wanted[p[top+8]]|wanted[p[top+12]] == 0 {
		p = p[16:]
	}
	for len(p) >= 4 && wanted[p[top]] == 0 {
		p = p[4:]
	}
	if len(p) < 4 {
		return len(s.types)
	}
	return len(s.types) - len(p)
}
