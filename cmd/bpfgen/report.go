package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"

	"github.com/bpfgen/bpfgen/internal/codegen"
	"github.com/bpfgen/bpfgen/internal/needs"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

const reportUsage = `Usage: bpfgen report [-json] [-min-kernel version] object.o|package

Says what a compiled BPF object needs to run: the oldest mainline kernel, with
the reason at its C line, capabilities, options of the kernel's configuration,
and licence. Uses behind a check of the kernel (bpf_core_type_exists and its
like, weak kfuncs, kconfig, constants of .rodata) are told apart as optional.

The kernel is a lower bound for mainline: a newer one may refuse the object for
other reasons, and distributions add features to older ones.

  -json	print JSON
  -min-kernel version
    	exit 1 if the object needs a newer kernel than this

Example:

	bpfgen report -min-kernel 5.15 snoop_bpfel.o
`

// report prints what an object needs.
func report(ctx context.Context, c console, args []string) error {
	fs := flag.NewFlagSet("bpfgen report", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "")
	var limit kernelFlag
	fs.Var(&limit, "min-kernel", "")
	if done, err := c.parse(fs, args, reportUsage); done || err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return usagef("bpfgen report wants one object file or package, not %d arguments", fs.NArg())
	}
	files, err := c.findObjects(ctx, fs.Arg(0))
	if err != nil {
		return err
	}
	for i, file := range files {
		obj, err := readObject(file)
		if err != nil {
			return err
		}
		r := needs.Of(obj)
		if err := c.printReport(file, r, *asJSON, i); err != nil {
			return err
		}
		if above := r.Above(limit.KernelVersion); limit.set && len(above) > 0 {
			return fmt.Errorf("%s %w", file, codegen.TooNew(limit.KernelVersion, above))
		}
	}
	return nil
}

// printReport prints the i-th report.
func (c console) printReport(file string, r *needs.Report, asJSON bool, i int) error {
	if asJSON {
		return printJSON(c.stdout, struct {
			Object string `json:"object"`
			*needs.Report
		}{file, r})
	}
	if i > 0 {
		fmt.Fprintln(c.stdout)
	}
	printText(c, file, r)
	return nil
}

func printText(c console, file string, r *needs.Report) {
	w := c.stdout
	fmt.Fprintf(w, "%s needs mainline Linux %v or newer", file, r.MinKernel)
	if newest := r.Newest(); len(newest) > 0 {
		fmt.Fprintf(w, ", for %s %s (%s)", newest[0].Kind, newest[0].Name, newest[0].Uses[0])
	}
	fmt.Fprintln(w)

	programs := c.table("PROGRAM", "SECTION", "KERNEL", "BECAUSE OF")
	for _, p := range r.Programs {
		programs.row(p.Name, p.Section, p.MinKernel.String(), p.Because)
	}
	programs.section(w)
	printNeeds(c, "NEEDS", r.Needs, false)
	printNeeds(c, "OPTIONAL", r.Needs, true)
	printFacts(c, "CAPABILITY", r.Capabilities)
	printFacts(c, "CONFIG", r.Config)
	printLicence(w, r.Licence)
}

func printNeeds(c console, title string, all []needs.Need, optional bool) {
	t := c.table(title, "", "KERNEL", "WHERE")
	for _, n := range all {
		if n.Optional != optional {
			continue
		}
		where := n.Uses[0].String()
		if more := len(n.Uses) - 1; more > 0 {
			where += fmt.Sprintf(" and %d more", more)
		}
		if optional {
			where += "; " + n.Uses[0].Guard
		}
		t.row(n.Name, string(n.Kind), n.Since.String(), where)
	}
	t.section(c.stdout)
}

func printFacts(c console, title string, facts []needs.Fact) {
	t := c.table(title, "BECAUSE OF")
	for _, f := range facts {
		t.row(f.Name, f.Because)
	}
	t.section(c.stdout)
}

func printLicence(w io.Writer, l needs.Licence) {
	switch {
	case len(l.GPL) == 0:
		fmt.Fprintf(w, "\nLicence %q; nothing needs one that is compatible with the GPL\n", l.Declared)
		return
	case l.Compatible:
		fmt.Fprintf(w, "\nLicence %q, compatible with the GPL as needed by %s\n", l.Declared, l.GPL[0].Name)
	default:
		fmt.Fprintf(w, "\nLicence %q is not compatible with the GPL, and the kernel will refuse %s (%s)\n", l.Declared, l.GPL[0].Name, l.GPL[0].Because)
	}
}

// kernelFlag is a flag that is a kernel's version.
type kernelFlag struct {
	uapi.KernelVersion
	set bool
}

func (k *kernelFlag) Set(s string) (err error) {
	k.KernelVersion, err = uapi.ParseKernelVersion(s)
	k.set = err == nil
	return err
}

func printJSON(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(v)
}
