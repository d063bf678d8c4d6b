package btf

// keyed is a number with a key, the key on top: they sort by key and then by
// number, as numbers do, with the same code for all of them.
type keyed uint64

func withKey(key, n uint32) keyed { return keyed(key)<<32 | keyed(n) }

func (k keyed) key() uint32 { return uint32(k >> 32) }
func (k keyed) n() uint32   { return uint32(k) }
