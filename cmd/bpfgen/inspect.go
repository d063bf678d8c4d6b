package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/bpfgen/bpfgen/internal/cheader"
	"github.com/bpfgen/bpfgen/internal/graph"
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

const inspectUsage = `Usage: bpfgen inspect [-json] [-S] [-c] [-graph file] object.o|package

Shows what a compiled BPF object declares: maps, programs, variables, and what
it expects of the kernel. Of a package, these are the objects that bpfgen
generated there.

  -json	print JSON
  -S	also print each program's instructions, with their C lines if the object
    	has line info
  -c	print the types of keys, values and variables as C, and nothing else
  -graph file
    	draw programs, functions, maps and tail calls, as SVG, or for Graphviz
    	if the file's name ends in .dot; "-" is standard output, as SVG

Example:

	bpfgen inspect -graph snoop.svg snoop_bpfel.o
`

// inspectOptions say what to show of an object.
type inspectOptions struct {
	json, disassemble, types bool
	graph                    string
}

// inspect prints what an object file declares.
func inspect(ctx context.Context, c console, args []string) error {
	fs := flag.NewFlagSet("bpfgen inspect", flag.ContinueOnError)
	var o inspectOptions
	fs.BoolVar(&o.json, "json", false, "")
	fs.BoolVar(&o.disassemble, "S", false, "")
	fs.BoolVar(&o.types, "c", false, "")
	fs.StringVar(&o.graph, "graph", "", "")
	if done, err := c.parse(fs, args, inspectUsage); done || err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return usagef("bpfgen inspect wants one object file or package, not %d arguments", fs.NArg())
	}
	files, err := c.findObjects(ctx, fs.Arg(0))
	if err != nil {
		return err
	}
	if o.graph != "" && len(files) > 1 {
		return usagef("-graph draws one object, and there are %d in %s: name one", len(files), fs.Arg(0))
	}
	for i, file := range files {
		if i > 0 && !o.json {
			fmt.Fprintln(c.stdout)
		}
		obj, err := readObject(file)
		if err != nil {
			return err
		}
		if err := c.showObject(file, obj, o); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// showObject shows one object.
func (c console) showObject(file string, obj *object.Object, o inspectOptions) error {
	switch {
	case o.graph != "":
		return c.draw(o.graph, graph.Of(obj))
	case o.types:
		return cheader.WriteTypes(c.stdout, declaredTypes(obj))
	case o.json:
		return printJSON(c.stdout, describe(file, obj))
	}
	c.printDescription(describe(file, obj))
	if o.disassemble {
		for _, p := range obj.Programs {
			fmt.Fprintf(c.stdout, "\nprogram %s, section %s\n%v", p.Name, p.Section, p.Instructions)
		}
	}
	return nil
}

// draw writes a graph to a file, or to standard output.
func (c console) draw(file string, g *graph.Graph) error {
	if file == "-" {
		return g.WriteSVG(c.stdout)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	write := g.WriteSVG
	if filepath.Ext(file) == ".dot" {
		write = g.WriteDOT
	}
	if err := write(out); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// declaredTypes are the types that user space and programs share.
func declaredTypes(obj *object.Object) []btf.Type {
	var types []btf.Type
	add := func(ref btf.TypeRef) {
		typ := valueType(ref)
		if _, ok := typ.(*btf.Datasec); typ != nil && !ok {
			types = append(types, typ)
		}
	}
	for _, m := range obj.Maps {
		for ; m != nil; m = m.Inner {
			add(m.Key)
			add(m.Value)
		}
	}
	for _, v := range obj.Variables {
		add(v.Type)
	}
	return types
}

// description is what inspect shows of an object.
type description struct {
	Object    string        `json:"object"`
	Licence   string        `json:"licence"`
	ByteOrder string        `json:"byteOrder"`
	Maps      []mapRow      `json:"maps"`
	Programs  []programRow  `json:"programs"`
	Variables []variableRow `json:"variables"`
	Externs   []externRow   `json:"externs"`
}

type mapRow struct {
	Name       string  `json:"name"`
	Type       string  `json:"type"`
	KeySize    uint32  `json:"keySize"`
	ValueSize  uint32  `json:"valueSize"`
	Key        string  `json:"key,omitempty"`   // the C type's name
	Value      string  `json:"value,omitempty"` // the C type's name
	MaxEntries uint32  `json:"maxEntries"`
	Flags      uint32  `json:"flags"`
	Pinning    string  `json:"pinning"`
	Inner      *mapRow `json:"inner,omitempty"`
}

type programRow struct {
	Name         string `json:"name"`
	Section      string `json:"section"`
	Type         string `json:"type"`
	AttachType   string `json:"attachType"`
	AttachTo     string `json:"attachTo,omitempty"`
	Optional     bool   `json:"optional"`
	Instructions int    `json:"instructions"` // of 8 bytes, with all functions that it calls
}

type variableRow struct {
	Name     string `json:"name"`
	Section  string `json:"section"`
	Offset   uint32 `json:"offset"`
	Size     uint32 `json:"size"`
	Type     string `json:"type,omitempty"`
	ReadOnly bool   `json:"readOnly"`
}

type externRow struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Weak bool   `json:"weak"`
}

func describe(file string, obj *object.Object) description {
	d := description{
		Object: file, Licence: obj.License, ByteOrder: obj.ByteOrder().String(),
		Maps: []mapRow{}, Programs: []programRow{}, Variables: []variableRow{}, Externs: []externRow{},
	}
	for _, m := range obj.Maps {
		d.Maps = append(d.Maps, *describeMap(m))
	}
	for _, p := range obj.Programs {
		d.Programs = append(d.Programs, programRow{
			p.Name, p.Section, p.Type.String(), p.AttachType.String(), p.AttachTo, p.Optional, int(p.Instructions.Size() / 8),
		})
	}
	for _, v := range obj.Variables {
		d.Variables = append(d.Variables, variableRow{v.Name, v.Section, v.Offset, v.Size, typeName(v.Type), v.ReadOnly})
	}
	for _, e := range obj.Externs {
		d.Externs = append(d.Externs, externRow{e.Name, e.Kind.String(), e.Weak})
	}
	return d
}

func describeMap(m *object.Map) *mapRow {
	row := &mapRow{
		Name: m.Name, Type: m.Type.String(), KeySize: m.KeySize, ValueSize: m.ValueSize,
		Key: typeName(m.Key), Value: typeName(m.Value), MaxEntries: m.MaxEntries, Flags: m.Flags, Pinning: m.Pinning.String(),
	}
	if m.Inner != nil {
		row.Inner = describeMap(m.Inner)
	}
	return row
}

// valueType is a type, or that of a variable; nil if the object doesn't say.
func valueType(ref btf.TypeRef) btf.Type {
	typ, err := ref.Type()
	if err != nil {
		return nil
	}
	if v, ok := typ.(*btf.Var); ok {
		return v.Type
	}
	return typ
}

// typeName is the name of a type, or of a variable's type, if it has one.
func typeName(ref btf.TypeRef) string {
	typ := valueType(ref)
	if typ == nil {
		return ""
	}
	return btf.QualifiedType(typ).TypeName()
}

func (c console) printDescription(d description) {
	w := c.stdout
	fmt.Fprintf(w, "%s: license %q, %s\n", d.Object, d.Licence, d.ByteOrder)
	c.printMaps(w, d.Maps)

	programs := c.table("PROGRAM", "SECTION", "TYPE", "ATTACH TYPE", "ATTACH TO", "INSTRUCTIONS")
	for _, p := range d.Programs {
		programs.row(p.Name, p.Section, p.Type, p.AttachType, p.AttachTo, strconv.Itoa(p.Instructions))
	}
	programs.section(w)

	variables := c.table("VARIABLE", "SECTION", "OFFSET", "TYPE")
	for _, v := range d.Variables {
		variables.row(v.Name, v.Section, strconv.Itoa(int(v.Offset)), sized(v.Type, v.Size))
	}
	variables.section(w)

	externs := c.table("EXTERN", "KIND", "")
	for _, e := range d.Externs {
		weak := ""
		if e.Weak {
			weak = "weak"
		}
		externs.row(e.Name, e.Kind, weak)
	}
	externs.section(w)
}

func (c console) printMaps(w io.Writer, maps []mapRow) {
	t := c.table("MAP", "TYPE", "KEY", "VALUE", "MAX ENTRIES", "FLAGS", "PINNING")
	for _, m := range maps {
		t.mapRow(m.Name, m)
		for inner := m.Inner; inner != nil; inner = inner.Inner {
			t.mapRow("  of "+inner.Name, *inner)
		}
	}
	t.section(w)
}

func (t *table) mapRow(name string, m mapRow) {
	pinning := ""
	if m.Pinning != "PinNone" {
		pinning = m.Pinning
	}
	t.row(name, m.Type, sized(m.Key, m.KeySize), sized(m.Value, m.ValueSize), strconv.Itoa(int(m.MaxEntries)), fmt.Sprintf("%#x", m.Flags), pinning)
}

// sized describes a type by its size in bytes and, where known, its name.
func sized(name string, size uint32) string {
	if name == "" {
		return fmt.Sprintf("%d bytes", size)
	}
	return fmt.Sprintf("%s, %d bytes", name, size)
}
