// Package linker makes one BPF object of several, by the rules of libbpf's
// static linker, which bpftool gen object uses.
//
// Nothing is laid out for a machine: sections of the same name are put one after
// another, and the result is again an object that a loader can read. What makes
// it more than concatenation is names. A global function, variable or map that
// one file declares and another defines becomes one symbol; the types of
// declaration and definition must agree. Static ones keep to themselves. Then
// there is BTF, which describes all of it and has to stay true: types are merged
// and deduplicated, and each section's variables listed at their new places.
//
// All names are resolved before anything is written, so that the result depends
// on the order of files only where it must: in the order of contents, and in
// which of several weak definitions wins.
package linker
