package btf

import (
	"slices"
)

// DeclTags returns the IDs of the decl tags of a type, in order.
func (b *BTF) DeclTags(target uint32) []uint32 {
	tags := b.indexed().tags
	var ids []uint32
	i, _ := slices.BinarySearch(tags, withKey(target, 0))
	for ; i < len(tags) && tags[i].key() == target; i++ {
		ids = append(ids, tags[i].n())
	}
	return ids
}

// HasBitfieldInts reports whether there are integers of another width than
// their size in bytes, which is how bitfields were encoded before Linux 5.0.
func (b *BTF) HasBitfieldInts() bool { return b.indexed().oddInts }
