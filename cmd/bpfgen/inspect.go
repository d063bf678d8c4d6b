package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

const inspectUsage = `Usage: bpfgen inspect [-S] object.o

Shows what a compiled BPF object declares: maps, programs and variables.

  -S	also print each program's instructions, with their C lines if the object
    	has line info
`

// inspect prints what an object file declares.
func inspect(_ context.Context, c console, args []string) error {
	fs := flag.NewFlagSet("bpfgen inspect", flag.ContinueOnError)
	disassemble := fs.Bool("S", false, "")
	if done, err := c.parse(fs, args, inspectUsage); done || err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return usagef("bpfgen inspect wants one object file, not %d arguments", fs.NArg())
	}

	data, err := os.ReadFile(fs.Arg(0))
	if err != nil {
		return err
	}
	obj, err := object.Parse(data)
	if err != nil {
		return fmt.Errorf("%s: %w", fs.Arg(0), err)
	}
	printObject(c.stdout, obj)
	if *disassemble {
		for _, p := range obj.Programs {
			fmt.Fprintf(c.stdout, "\nprogram %s, section %s\n%v", p.Name, p.Section, p.Instructions)
		}
	}
	return nil
}

func printObject(w io.Writer, obj *object.Object) {
	fmt.Fprintf(w, "license %q, %v\n", obj.License, obj.ByteOrder)
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	defer table.Flush()

	if len(obj.Maps) > 0 {
		fmt.Fprintf(table, "\nMAP\tTYPE\tKEY\tVALUE\tMAX ENTRIES\tFLAGS\n")
	}
	for _, m := range obj.Maps {
		fmt.Fprintf(table, "%s\t%v\t%s\t%s\t%d\t%#x\n", m.Name, m.Type, sized(m.Key, m.KeySize), sized(m.Value, m.ValueSize), m.MaxEntries, m.Flags)
	}
	if len(obj.Programs) > 0 {
		fmt.Fprintf(table, "\nPROGRAM\tSECTION\tTYPE\tATTACH TYPE\tATTACH TO\tINSTRUCTIONS\n")
	}
	for _, p := range obj.Programs {
		fmt.Fprintf(table, "%s\t%s\t%v\t%v\t%s\t%d\n", p.Name, p.Section, p.Type, p.AttachType, p.AttachTo, len(p.Instructions))
	}
	if len(obj.Variables) > 0 {
		fmt.Fprintf(table, "\nVARIABLE\tSECTION\tOFFSET\tTYPE\n")
	}
	for _, v := range obj.Variables {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", v.Name, v.Section, v.Offset, sized(v.Type, v.Size))
	}
}

// sized describes a type by its size in bytes and, where known, its name.
func sized(ref btf.TypeRef, size uint32) string {
	typ, err := ref.Type()
	if err != nil {
		return fmt.Sprintf("%d bytes", size)
	}
	if v, ok := typ.(*btf.Var); ok {
		typ = v.Type
	}
	if name := btf.QualifiedType(typ).TypeName(); name != "" {
		return fmt.Sprintf("%s, %d bytes", name, size)
	}
	return fmt.Sprintf("%d bytes", size)
}
