package btf

import (
	"iter"
)

// DeclTags returns the IDs of the decl tags of a type, in order.
func (b *BTF) DeclTags(target uint32) []uint32 {
	tags := b.indexed().tags
	var ids []uint32
	i := firstWith(tags, target)
	for ; i < len(tags) && tags[i].key() == target; i++ {
		ids = append(ids, tags[i].n())
	}
	return ids
}

// AllDeclTags iterates over the IDs of all types that decl tags are for, and those
// of the tags, in order.
func (b *BTF) AllDeclTags() iter.Seq2[uint32, uint32] {
	return func(yield func(target, tag uint32) bool) {
		for _, t := range b.indexed().tags {
			if !yield(t.key(), t.n()) {
				return
			}
		}
	}
}

// Datasecs returns the IDs of all datasecs. Don't modify.
func (b *BTF) Datasecs() []uint32 { return b.indexed().datasecs }

// HasBitfieldInts reports whether there are integers of another width than
// their size in bytes, which is how bitfields were encoded before Linux 5.0.
func (b *BTF) HasBitfieldInts() bool { return b.indexed().oddInts }
