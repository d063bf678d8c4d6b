package btf

// ID identifies type information in the kernel, as long as that exists.
type ID uint32
