// Package codegen turns one BPF C source into Go: it compiles the source for
// each target, reads what the object declares, builds a [Model] of the file to
// write, prints that as Go, and commits all files or none. A [Manifest] beside the output tells the next run
// whether there is anything to do.
//
// The steps are separate on purpose:
//
//	target, clang, compile, prefixmap, depfile   what clang is asked, and says
//	modinclude                                   folders of headers by import path
//	headers                                      <bpf/…>, where the system has none
//	build, typewalk, typebuild, layout           objects and BTF become a Model
//	consts, enumconsts                           #defines and enums without a name become constants
//	owntype, ownlayout                           Go types of the user's in place of ours
//	names, topnames, destination                 C names become Go names
//	model                                        knows none of the others
//	emit, emittype, emitaccess                   a Model becomes Go code
//	write, lock                                  knows paths and bytes, no more
//	manifest, locate, beside, identity           whether there is anything to do
//	contract                                     whether the runtime works with what is generated
//	directive                                    which runs a module asks for
//
// [Generate] runs them in memory, [Commit] writes.
package codegen
