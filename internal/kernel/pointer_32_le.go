//go:build 386 || arm || mipsle

package kernel

import "unsafe"

// Pointer is a pointer in the low half of a 64-bit field.
type Pointer struct {
	ptr unsafe.Pointer
	_   uint32
}
