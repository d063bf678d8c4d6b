//go:build !(386 || arm || mips || mipsle)

package kernel

import "unsafe"

// Pointer is a 64-bit pointer field.
type Pointer struct{ ptr unsafe.Pointer }
