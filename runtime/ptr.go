package ebpf

import "strconv"

// Ptr is a C pointer in memory that a BPF program shares: in the key or value
// of a map, or in a variable. BPF's pointers have 64 bits on every machine.
//
// It means nothing to the process that reads it, but can be compared, and
// looked up in what the kernel says about its addresses. What the kernel keeps
// in a kptr reads as 0.
type Ptr uint64

// String returns the address in hexadecimal, "nil" for a null pointer.
func (p Ptr) String() string {
	if p == 0 {
		return "nil"
	}
	return "0x" + strconv.FormatUint(uint64(p), 16)
}
