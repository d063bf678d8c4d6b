// Package btf handles types described by the BPF Type Format.
//
// A [Spec] is a set of types: those of a BPF object, of the running kernel or
// of a kernel module. Opening one only indexes it. Types become Go values when
// they are asked for, together with everything they refer to; a [TypeRef] is a
// handle for a type that nobody has looked at yet.
//
// A Spec can be used by several goroutines at once. The types it returns are
// ordinary values shared by all who ask for them: who modifies one should work
// on a [Spec.Copy].
//
// The format is documented at https://docs.kernel.org/bpf/btf.html.
package btf
