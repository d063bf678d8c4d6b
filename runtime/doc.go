// Package ebpf loads BPF programs and maps into the Linux kernel, and works
// with them there.
//
// A [CollectionSpec] is what an object file declares. It is the same on every
// machine, and everything in it can be changed before it is loaded. Loading
// makes a [Collection] of it, or fills the fields of a struct that name what
// they want ([CollectionSpec.LoadAndAssign]):
//
//	spec, err := ebpf.LoadCollectionSpec("prog.o")
//	coll, err := ebpf.NewCollection(spec)
//	defer coll.Close()
//	err = coll.Maps["my_map"].Put(uint32(1), uint64(2))
//
// # Lifetimes
//
// Maps and programs belong to whoever made them, who has to call Close. There
// are no finalizers: what isn't closed stays until the process ends. Objects may
// be used from many goroutines. Using one after Close, or while somebody closes
// it, gives [ErrClosed], and never acts on another object's descriptor.
package ebpf
