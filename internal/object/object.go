// Package object reads what a BPF object file declares: maps, programs,
// variables, and what instructions refer to. It is pure: no kernel, no files,
// no clock; the same ELF gives the same result on every machine.
package object
