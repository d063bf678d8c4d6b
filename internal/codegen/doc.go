// Package codegen turns one BPF C source into Go: it compiles the source for
// each target, reads what the object declares, builds a [Model] of the file to
// write, prints that as Go, and commits all files or none.
//
// The steps are separate on purpose. Only compile.go knows clang, only
// model.go and typebuild.go know objects and BTF, only the emit files know how
// Go is printed, and write.go knows nothing but paths and bytes.
package codegen
