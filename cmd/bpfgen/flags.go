package main

import (
	"errors"
	"flag"
	"fmt"
	"go/build/constraint"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/bpfgen/bpfgen/internal/codegen"
)

// options is the command line of the generator: bpf2go's, under the same names.
type options struct {
	cc, cflags, target, makebase        string
	outputStem, outputSuffix, outputDir string
	goPackage                           string
	noStrip, noGlobalTypes, verbose     bool
	untyped, ownHeaders                 bool
	tags                                tagList
	types                               typeList
	events                              eventList
	consts                              patternList
	minKernel                           kernelFlag
	include                             folderList

	ident       string
	sources     []string
	extraCFlags []string // after --
}

const usageText = `Usage: bpfgen [flags] Ident file.bpf.c... [-- clang flags]
       bpfgen command [arguments]

Compiles file.bpf.c with clang and writes, for each target, an object and a Go
file that embeds it. The names of all generated types and functions start with
Ident; they are exported if Ident is.

Several C files are compiled each on its own, with the same flags, and linked
into one object: functions, variables and maps that one file declares extern may
be defined in another. A file that ends in .o is an object to link with them.

Usually written as

	//go:generate go tool bpfgen Ident file.bpf.c

Commands, each of which has a -h of its own:

%s
Clang flags after -- come after those of -cflags and win over them. Flags that
name an environment variable take their default from it.

Flags:

`

// parseOptions reads the command line. The error is flag.ErrHelp if help was
// asked for, and has been given.
func parseOptions(c console, args []string) (*options, error) {
	var o options
	fs := flag.NewFlagSet("bpfgen", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.cc, "cc", c.getenv("BPF2GO_CC"), "C `compiler` (default clang, else the newest clang-N) [$BPF2GO_CC]")
	fs.StringVar(&o.cflags, "cflags", c.getenv("BPF2GO_CFLAGS"), "`flags` for the compiler, which may be quoted [$BPF2GO_CFLAGS]")
	fs.String("strip", c.getenv("BPF2GO_STRIP"), "accepted and ignored: bpfgen strips DWARF without a `program` [$BPF2GO_STRIP]")
	fs.BoolVar(&o.noStrip, "no-strip", false, "keep DWARF in the object of a single C file")
	fs.StringVar(&o.target, "target", "bpfel,bpfeb", "comma-separated `targets`: "+strings.Join(codegen.TargetNames(), ", "))
	fs.Var(&o.tags, "tags", "comma-separated build `tags` that generated files require")
	fs.Var(&o.types, "type", "declare a Go type for the C type with this `name`; name=Type or name=import/path.Type have your own stand for it; may be repeated")
	fs.Var(&o.events, "event", "the events of a ring buffer or perf event array are of a C type: `map=type`, as __attribute__((btf_decl_tag(\"bpfgen:event=type\"))) says it in C; may be repeated")
	fs.Var(&o.consts, "const", "export each #define that matches `pattern` and is an integer or a string, as //bpfgen:export before it does; may be repeated")
	fs.Var(&o.include, "I", "look for headers in this `folder`; mod:import/path is one of a Go module; may be repeated")
	fs.BoolVar(&o.noGlobalTypes, "no-global-types", false, "declare no Go types for map keys, map values and variables")
	fs.BoolVar(&o.ownHeaders, "own-headers", false, "include <bpf/bpf_helpers.h> and its kin from bpfgen even if the system has them")
	fs.Var(&o.minKernel, "min-kernel", "fail if the object needs a newer mainline kernel than this `version`, such as 5.15; bpfgen report says why")
	fs.BoolVar(&o.untyped, "untyped", false, "fields are plain *ebpf.Map and *ebpf.Variable, as bpf2go has them")
	fs.StringVar(&o.goPackage, "go-package", c.getenv("GOPACKAGE"), "`name` of the package of generated files [$GOPACKAGE]")
	fs.StringVar(&o.outputDir, "output-dir", "", "`folder` to write to (default the current one)")
	fs.StringVar(&o.outputStem, "output-stem", "", "`start` of output file names (default Ident in lower case)")
	fs.StringVar(&o.outputSuffix, "output-suffix", defaultSuffix(c), "`end` of output file names (default _test if $GOFILE is a test)")
	fs.StringVar(&o.makebase, "makebase", c.getenv("BPF2GO_MAKEBASE"), "also write make dependencies, with paths relative to this `folder` [$BPF2GO_MAKEBASE]")
	fs.BoolVar(&o.verbose, "verbose", isTrue(c.getenv("V")), "say what is being done [$V]")

	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(c.stdout, usageText, listCommands())
		fs.SetOutput(c.stdout)
		fs.PrintDefaults()
		return nil, err
	}
	if err != nil {
		return nil, usageError{err}
	}
	return &o, o.positional(fs.Args())
}

// listCommands has a line for each command.
func listCommands() string {
	var list strings.Builder
	for _, cmd := range commands() {
		if cmd.name != "" {
			fmt.Fprintf(&list, "\t%-11s %s\n", cmd.name, cmd.summary)
		}
	}
	return list.String()
}

// positional reads what follows the flags: Ident, sources, and clang's flags.
func (o *options) positional(args []string) error {
	if i := slices.Index(args, "--"); i >= 0 {
		args, o.extraCFlags = args[:i], args[i+1:]
	}
	switch {
	case len(args) == 0:
		return usagef("no arguments: bpfgen wants an identifier and a C file")
	case len(args) == 1:
		return usagef("no C file: bpfgen wants an identifier and a C file, as in bpfgen %s %[1]s.bpf.c", args[0])
	case strings.HasSuffix(args[0], ".c"):
		return usagef("%s is where the identifier belongs: did you mean bpfgen %s %[1]s?", args[0], args[1])
	}
	o.ident, o.sources = args[0], args[1:]
	for i, source := range o.sources {
		switch {
		case i > 0 && strings.HasPrefix(source, "-"):
			return usagef("%s stands after the C file: flags of bpfgen come first, those of clang after --", source)
		case slices.Contains(o.sources[:i], source):
			return usagef("%s is there twice", source)
		}
	}
	return nil
}

// compilerFlags returns all flags for clang, in order.
func (o *options) compilerFlags() ([]string, error) {
	flags, err := codegen.SplitFlags(o.cflags)
	if err != nil {
		return nil, usagef("-cflags: %w", err)
	}
	flags = slices.Concat(o.include.flags(), flags, o.extraCFlags)
	for _, f := range flags {
		if strings.HasPrefix(f, "-M") {
			return nil, usagef("clang's %s would write dependencies of a temporary file: use bpfgen's -makebase", f)
		}
	}
	return flags, nil
}

func defaultSuffix(c console) string {
	if strings.HasSuffix(c.getenv("GOFILE"), "_test.go") {
		return "_test"
	}
	return ""
}

func isTrue(s string) bool {
	b, err := strconv.ParseBool(s)
	return err == nil && b
}

// tagList is a list of build tags in the syntax of -tags: a comma means and.
type tagList struct{ expr constraint.Expr }

func (t *tagList) String() string {
	if t.expr == nil {
		return ""
	}
	return t.expr.String()
}

var validTags = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^!?[\pL\pN_.]+([ ,]+!?[\pL\pN_.]+)*$`)
})

func (t *tagList) Set(value string) error {
	if !validTags().MatchString(value) {
		return errors.New("build tags are words, with ! before those that must not be set")
	}
	// The old syntax of constraints is the one in which bpf2go reads -tags.
	expr, err := constraint.Parse("// +build " + value)
	if err != nil {
		return err
	}
	t.expr = expr
	return nil
}

// folderList is folders of headers.
type folderList []string

func (l *folderList) String() string { return strings.Join(*l, ",") }

func (l *folderList) Set(folder string) error {
	if folder == "" {
		return errors.New("it is a folder, or mod: and an import path")
	}
	*l = append(*l, folder)
	return nil
}

func (l *folderList) flags() []string {
	var flags []string
	for _, folder := range *l {
		flags = append(flags, "-I"+folder)
	}
	return flags
}

// eventList says of what types events are.
type eventList []codegen.EventRequest

func (e *eventList) String() string { return "" }

func (e *eventList) Set(value string) error {
	r, err := codegen.ParseEventRequest(value)
	if err != nil {
		return err
	}
	*e = append(*e, r)
	return nil
}

// patternList is patterns as path.Match has them.
type patternList []string

func (p *patternList) String() string { return strings.Join(*p, ",") }

func (p *patternList) Set(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
		return errors.New("it is a name, in which * and ? stand for anything, and [abc] for one of them")
	}
	*p = append(*p, pattern)
	return nil
}

// typeList is C types, each once.
type typeList []codegen.TypeRequest

func (t *typeList) String() string { return fmt.Sprint(*t) }

func (t *typeList) Set(text string) error {
	r, err := codegen.ParseTypeRequest(text)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(*t, func(other codegen.TypeRequest) bool { return other.C == r.C }) {
		return errors.New("it is there twice")
	}
	*t = append(*t, r)
	return nil
}

// parse reads the flags of a subcommand. If only its help is asked for, it prints
// that, and done is true.
func (c console) parse(fs *flag.FlagSet, args []string, usage string) (done bool, err error) {
	fs.SetOutput(io.Discard)
	err = fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, err := io.WriteString(c.stdout, usage)
		return true, err
	}
	if err != nil {
		return false, usageError{err}
	}
	return false, nil
}
