// Package btf reads and writes the bytes of the BPF Type Format: type records,
// the string table and the .BTF.ext section.
//
// It knows records and IDs, but no graph of types: nothing here follows a
// reference. That keeps hostile input harmless (a cycle is just two numbers)
// and lets a loader match names and members of a whole kernel without
// inflating any of it. Package runtime/btf builds the typed graph on top.
package btf
