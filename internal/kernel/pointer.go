package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Pointer is a pointer inside an attr struct: 64 bits wide on every machine,
// and known to the garbage collector. The zero value is NULL.
//
// Its definition is in pointer_64.go and its siblings.

// Addr points at p.
func Addr(p unsafe.Pointer) Pointer { return Pointer{ptr: p} }

// Bytes points at the first byte of b, or is NULL if there is none.
func Bytes(b []byte) Pointer { return Slice(b) }

// Slice points at the first element of s, or is NULL if there is none.
func Slice[T any](s []T) Pointer {
	if len(s) == 0 {
		return Pointer{}
	}
	return Pointer{ptr: unsafe.Pointer(&s[0])}
}

// CString points at a copy of s with a NUL at its end. A NUL inside s ends it.
func CString(s string) Pointer {
	b := make([]byte, len(s)+1)
	copy(b, s)
	return Bytes(b)
}

// GoString is the text in a NUL-padded array of the kernel.
func GoString(b []byte) string { return unix.ByteSliceToString(b) }
