//go:build mips

package kernel

import "unsafe"

// Pointer is a pointer in the low half of a 64-bit field.
type Pointer struct {
	_   uint32
	ptr unsafe.Pointer
}
