package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/bpfgen/bpfgen/internal/objdiff"
)

const diffUsage = `Usage: bpfgen diff [-json] [-fail-on class,...] old.o new.o

Shows what changed between two versions of a compiled BPF object, for whoever
holds its pins, reads its events, or has to run it: maps, the layout of keys,
values, events and variables, programs and where they attach, and the oldest
kernel that they need.

  -json	print JSON
  -fail-on class,...
    	exit 1 if something of these classes changed: layout, map, program,
    	kernel, addition, or any

Example:

	bpfgen diff -fail-on layout,map released.o snoop_bpfel.o
`

// diff compares two objects.
func diff(_ context.Context, c console, args []string) error {
	fs := flag.NewFlagSet("bpfgen diff", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "")
	failOn := fs.String("fail-on", "", "")
	if done, err := c.parse(fs, args, diffUsage); done || err != nil {
		return err
	}
	if fs.NArg() != 2 {
		return usagef("bpfgen diff wants an old and a new object file, not %d arguments", fs.NArg())
	}
	fatal, err := parseClasses(*failOn)
	if err != nil {
		return err
	}
	before, err := readObject(fs.Arg(0))
	if err != nil {
		return err
	}
	after, err := readObject(fs.Arg(1))
	if err != nil {
		return err
	}
	changes := objdiff.Compare(before, after)
	if *asJSON {
		if changes == nil {
			changes = []objdiff.Change{}
		}
		err = printJSON(c.stdout, changes)
	} else {
		c.printDiff(changes)
	}
	if err != nil {
		return err
	}
	bad := slices.DeleteFunc(changes, func(change objdiff.Change) bool { return !slices.Contains(fatal, change.Class) })
	if len(bad) > 0 {
		return fmt.Errorf("%d changes that -fail-on %s names; the first: %s", len(bad), *failOn, strings.TrimSpace(bad[0].Thing+" "+bad[0].What))
	}
	return nil
}

func parseClasses(list string) ([]objdiff.Class, error) {
	all := objdiff.Classes()
	switch list {
	case "":
		return nil, nil
	case "any":
		return all, nil
	}
	var classes []objdiff.Class
	for name := range strings.SplitSeq(list, ",") {
		class := objdiff.Class(strings.TrimSpace(name))
		if !slices.Contains(all, class) {
			return nil, usagef("-fail-on %s: there is no such class; there are %v, and any", name, all)
		}
		classes = append(classes, class)
	}
	return classes, nil
}

func (c console) printDiff(changes []objdiff.Change) {
	if len(changes) == 0 {
		fmt.Fprintln(c.stdout, "Nothing changed.")
		return
	}
	t := c.table("THING", "WHAT", "OLD", "NEW", "CLASS")
	for _, change := range changes {
		t.row(change.Thing, change.What, change.Old, change.New, string(change.Class))
	}
	t.print(c.stdout)
}
