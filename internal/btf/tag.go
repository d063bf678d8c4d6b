package btf

import (
	"cmp"
	"slices"
)

// tag is a decl tag and what it tags.
type tag struct{ target, id uint32 }

func (a tag) compare(b tag) int {
	return cmp.Or(cmp.Compare(a.target, b.target), cmp.Compare(a.id, b.id))
}

// DeclTags returns the IDs of the decl tags of a type, in order.
func (b *BTF) DeclTags(target uint32) []uint32 {
	tags := b.indexed().tags
	i, found := slices.BinarySearchFunc(tags, tag{target, 0}, tag.compare)
	if !found && (i == len(tags) || tags[i].target != target) {
		return nil
	}
	var ids []uint32
	for ; i < len(tags) && tags[i].target == target; i++ {
		ids = append(ids, tags[i].id)
	}
	return ids
}

// HasBitfieldInts reports whether there are integers of another width than
// their size in bytes, which is how bitfields were encoded before Linux 5.0.
func (b *BTF) HasBitfieldInts() bool { return b.indexed().oddInts }
