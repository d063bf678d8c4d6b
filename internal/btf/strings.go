package btf

import (
	"bytes"
	"math/bits"
	"runtime"
	"strings"
)

// checkStrings makes sure that each string ends.
func (b *BTF) checkStrings() error {
	if len(b.strs) == 0 {
		if b.base == nil && len(b.types) > 0 {
			return malformed("strings", 0, "no strings")
		}
		return nil
	}
	if uint64(b.strBase)+uint64(len(b.strs)) > 1<<32-1 {
		return malformed("strings", 0, "too many strings")
	}
	if b.base == nil && b.strs[0] != 0 {
		return malformed("strings", 0, "the first string is not empty")
	}
	if b.strs[len(b.strs)-1] != 0 {
		return malformed("strings", uint64(len(b.strs)-1), "the last string is not terminated")
	}
	return nil
}

// Name returns the string at off, which may be one of the base's. The result
// stays valid when b is gone.
func (b *BTF) Name(off uint32) (string, error) {
	if off == 0 {
		return "", nil
	}
	for ; b != nil; b = b.base {
		if off < b.strBase {
			continue
		}
		start := off - b.strBase
		if start >= uint32(len(b.strs)) {
			break
		}
		if b.str == "" {
			name := string(cut(b.strs[start:]))
			runtime.KeepAlive(b)
			return name, nil
		}
		return cutString(b.str[start:]), nil
	}
	return "", malformed("strings", uint64(off), "offset is out of range")
}

// NameBytes returns the bytes of the string at off, without copying. They
// must neither be modified nor used after b, which the caller keeps alive.
// An offset that is out of range yields nil.
func (b *BTF) NameBytes(off uint32) []byte {
	for ; b != nil; b = b.base {
		if off < b.strBase {
			continue
		}
		if start := off - b.strBase; start < uint32(len(b.strs)) {
			return cut(b.strs[start:])
		}
		break
	}
	return nil
}

// nameBytes is NameBytes for loops: most names are b's own, or empty.
func (b *BTF) nameBytes(off uint32) []byte {
	if off == 0 {
		return nil
	}
	start := uint64(off) - uint64(b.strBase)
	if start >= uint64(len(b.strs)) {
		return b.NameBytes(off)
	}
	return cut(b.strs[start:])
}

// NameIs reports whether the string at off is name, without allocating.
func (b *BTF) NameIs(off uint32, name string) bool {
	same := string(b.NameBytes(off)) == name
	runtime.KeepAlive(b)
	return same
}

// cutString returns s up to its first NUL, which it has.
func cutString(s string) string {
	if len(s) >= 16 { // most names are so short that calling strings.IndexByte takes longer
		n := firstNUL(s)
		if n == 8 {
			n += firstNUL(s[8:])
		}
		if n < 16 {
			return s[:n]
		}
	}
	return s[:strings.IndexByte(s, 0)]
}

// firstNUL returns where the first NUL of the first eight bytes is, or eight.
func firstNUL(s string) uint {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	word := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	return uint(bits.TrailingZeros64((word-ones)&^word&tops)) / 8
}

// cut returns p up to its first NUL.
func cut(p []byte) []byte {
	if i := bytes.IndexByte(p, 0); i >= 0 {
		return p[:i]
	}
	return p
}

// EssentialName returns name without its flavour: what local types add after
// three underscores ("task_struct___old") to tell variants of one kernel type
// apart.
func EssentialName[S ~string | ~[]byte](name S) S {
	for i := len(name) - 5; i >= 0; i-- {
		if name[i] != '_' && name[i+1] == '_' && name[i+2] == '_' && name[i+3] == '_' && name[i+4] != '_' {
			return name[:i+1]
		}
	}
	return name
}

// Strings is a string table under construction, without duplicates. The zero
// value holds only the empty string.
type Strings struct {
	buf  []byte
	offs map[string]uint32
}

// usualRoom is as many bytes as the strings of a program mostly take. Room that
// grows by and by takes more: the allocator has pages for each size.
const usualRoom = 1024

// Add returns the offset of s, which must not contain a NUL.
func (t *Strings) Add(s string) uint32 {
	if s == "" {
		return 0
	}
	if off, ok := t.offs[s]; ok {
		return off
	}
	if t.offs == nil {
		t.buf = append(make([]byte, 0, usualRoom), 0)
		t.offs = make(map[string]uint32)
	}
	off := uint32(len(t.buf))
	t.offs[s] = off
	t.buf = append(append(t.buf, s...), 0)
	return off
}

// Empty reports whether nothing was added.
func (t *Strings) Empty() bool { return len(t.buf) == 0 }

// Len returns how many bytes the table has.
func (t *Strings) Len() int { return len(t.buf) }

// Bytes returns the table as it stands.
func (t *Strings) Bytes() []byte {
	if len(t.buf) == 0 {
		return []byte{0}
	}
	return t.buf
}

// BTF returns a BTF with these strings, but no types.
func (t *Strings) BTF() *BTF {
	return &BTF{firstID: 1, sizes: readSizes(nil), strs: t.Bytes(), str: string(t.Bytes())}
}

// Names looks up many names. Where strings have to be copied, it does so in
// bulk. It is not safe for concurrent use.
type Names struct {
	b     *BTF
	arena strings.Builder
	used  int
	all   string // copy of all own strings
}

// Names returns a lookup for names of b.
func (b *BTF) Names() Names { return Names{b: b} }

// Name is [BTF.Name].
func (n *Names) Name(off uint32) (string, error) {
	b := n.b
	start := uint64(off) - uint64(b.strBase) // huge if it is the base's
	if b.str != "" || start >= uint64(len(b.strs)) {
		return b.Name(off)
	}
	if n.all == "" && n.used > len(b.strs)/4 {
		n.all = string(b.strs)
	}
	if n.all != "" {
		s := n.all[start:]
		return s[:strings.IndexByte(s, 0)], nil
	}
	name := cut(b.strs[start:])
	if n.arena.Cap()-n.arena.Len() < len(name) {
		n.arena = strings.Builder{}
		n.arena.Grow(min(max(len(name), n.used, 256), 8192))
	}
	end := n.arena.Len()
	n.arena.Write(name)
	runtime.KeepAlive(b)
	n.used += len(name)
	return n.arena.String()[end:], nil
}

// at returns the string at an offset that Add returned.
func (t *Strings) at(off uint32) string { return string(cut(t.Bytes()[off:])) }
