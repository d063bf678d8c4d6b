package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"

	"github.com/bpfgen/bpfgen/internal/cheader"
	"github.com/bpfgen/bpfgen/internal/codegen"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

const vmlinuxUsage = `Usage: bpfgen vmlinux [-btf file] [-o file] [type...]

Writes C declarations of the kernel's types: of all, or of those named and what
they need. Names are those of structs, unions, enums and typedefs, without the
keyword.

  -btf file	take types from this file, BTF or an ELF file that has it, instead
    		of from the running kernel
  -o file	write to this file instead of standard output

Example:

	bpfgen vmlinux -o vmlinux.h task_struct sk_buff
`

// vmlinux writes C declarations of types described by BTF.
func vmlinux(_ context.Context, c console, args []string) error {
	fs := flag.NewFlagSet("bpfgen vmlinux", flag.ContinueOnError)
	from := fs.String("btf", "", "")
	output := fs.String("o", "", "")
	if done, err := c.parse(fs, args, vmlinuxUsage); done || err != nil {
		return err
	}
	load := btf.LoadKernelSpec
	if *from != "" {
		load = func() (*btf.Spec, error) { return btf.LoadSpec(*from) }
	}
	spec, err := load()
	if err != nil {
		return fmt.Errorf("read BTF: %w", err)
	}
	roots, err := headerRoots(spec, fs.Args())
	if err != nil {
		return err
	}
	var header bytes.Buffer
	if err := cheader.Write(&header, roots); err != nil {
		return err
	}
	if *output == "" {
		_, err := header.WriteTo(c.stdout)
		return err
	}
	path, err := filepath.Abs(*output)
	if err != nil {
		return err
	}
	_, err = codegen.Commit([]codegen.File{{Path: path, Data: header.Bytes()}})
	return err
}

// headerRoots returns the types that C programs can name: all of them, or those
// with one of the names.
func headerRoots(spec *btf.Spec, names []string) (roots []btf.Type, err error) {
	for _, name := range names {
		types, err := spec.AnyTypesByName(name)
		if errors.Is(err, btf.ErrNotFound) {
			return nil, fmt.Errorf("type %s: BTF has none of that name; struct, union and enum don't belong to it", name)
		}
		if err != nil {
			return nil, fmt.Errorf("type %s: %w", name, err)
		}
		for _, t := range types {
			if canBeNamed(t) {
				roots = append(roots, t)
			}
		}
	}
	if len(names) > 0 {
		return roots, nil
	}
	for t, err := range spec.All() {
		if err != nil {
			return nil, err
		}
		if canBeNamed(t) {
			roots = append(roots, t)
		}
	}
	return roots, nil
}

func canBeNamed(t btf.Type) bool {
	switch t.(type) {
	case *btf.Struct, *btf.Union, *btf.Typedef:
		return t.TypeName() != ""
	case *btf.Enum:
		return true // constants have names, even if the enum has none
	}
	return false
}
