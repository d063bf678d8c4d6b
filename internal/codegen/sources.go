package codegen

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/linker"
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// built is what all sources of a request give for one target.
type built struct {
	object   []byte
	jobs     []compileJob // one for each C source
	deps     [][]byte     // one for each source
	messages []byte
	loose    []Const // constants of enums without a name
	warnings []string
}

// sources names all sources in messages about all of them.
func (req *Request) sources() string { return strings.Join(req.Sources, ", ") }

// isObject tells whether a source is compiled already.
func isObject(source string) bool { return strings.HasSuffix(source, ".o") }

// build compiles the sources for a target, at the same time, and links what
// comes of them. DWARF goes: by linking, or unless it is to be kept.
func (req *Request) build(ctx context.Context, target Target) (built, error) {
	results := make([]compiled, len(req.Sources))
	errs := make([]error, len(req.Sources))
	var b built
	var wg sync.WaitGroup
	for i, source := range req.Sources {
		if isObject(source) {
			results[i], errs[i] = req.readObject(source, target)
			continue
		}
		job := compileJob{
			compiler: req.Compiler, target: target, source: source, flags: append(req.compilerFlags(), req.headerFlags()...),
			dir: req.Dir, env: req.Env, modules: req.moduleRoots(),
			output: filepath.Join(req.scratch, target.Suffix()+strconv.Itoa(i)),
		}
		b.jobs = append(b.jobs, job)
		wg.Go(func() { results[i], errs[i] = job.compile(ctx) })
	}
	wg.Wait()
	if err := refusals(errs); err != nil {
		return built{}, err
	}
	var inputs []linker.Input
	for i, c := range results {
		inputs = append(inputs, linker.Input{Name: req.Sources[i], Data: c.object})
		b.deps = append(b.deps, c.deps)
		b.messages = append(b.messages, c.messages...)
	}
	for _, in := range inputs {
		loose, err := looseConstants(in.Data)
		if err != nil {
			b.warnings = append(b.warnings, fmt.Sprintf("%s: no constants of enums without a name: %v", in.Name, err))
			continue
		}
		if b.loose, err = withLoose(b.loose, loose); err != nil {
			return built{}, fmt.Errorf("%s: %w", in.Name, err)
		}
	}
	var err error
	switch {
	case len(inputs) > 1:
		b.object, err = linker.Link(inputs)
	case req.KeepDWARF:
		b.object = inputs[0].Data
	default:
		if b.object, err = elf.StripDWARF(inputs[0].Data); err != nil {
			err = fmt.Errorf("strip DWARF from the object of %s: %w", inputs[0].Name, err)
		}
	}
	return b, err
}

// refusals joins what the compiler says about several sources; other errors win.
func refusals(errs []error) error {
	var all *CompileError
	for _, err := range errs {
		var refused *CompileError
		switch {
		case err == nil:
		case !errors.As(err, &refused):
			return err
		case all == nil:
			all = new(CompileError)
			*all = *refused
		default:
			all.Messages = slices.Concat(all.Messages, refused.Messages)
		}
	}
	if all == nil {
		return nil
	}
	return all
}

// readObject stands in for a run of the compiler.
func (req *Request) readObject(source string, target Target) (compiled, error) {
	path := req.path(source)
	data, err := os.ReadFile(path)
	if err != nil {
		return compiled{}, err
	}
	file, err := elf.Parse(data)
	if err != nil {
		return compiled{}, fmt.Errorf("%s: %w", source, err)
	}
	if order := target.byteOrder(); order != nil && order != file.ByteOrder() {
		return compiled{}, fmt.Errorf("%s is for machines of the other byte order than target %s: choose targets with -target", source, target.Suffix())
	}
	escaped := strings.NewReplacer(" ", `\ `, "#", `\#`, "$", "$$").Replace(filepath.ToSlash(path))
	return compiled{object: data, deps: []byte("out.o: " + escaped + "\n")}, nil
}

// externWarnings names what the sources declare and none of them defines.
func externWarnings(obj *object.Object, source string) (warnings []string) {
	for _, e := range obj.Externs {
		if e.Kind == asm.ExternUnknown && isDeclaredExtern(obj.Types, e.Name) {
			warnings = append(warnings, fmt.Sprintf("%s: %s is declared extern, but not defined: without the C file that defines it, what uses it can't be loaded", source, e.Name))
		}
	}
	return warnings
}

// isDeclaredExtern tells C declarations from names that only assembly uses.
func isDeclaredExtern(types *btf.Spec, name string) bool {
	if types == nil {
		return false
	}
	named, err := types.AnyTypesByName(name)
	return err == nil && slices.ContainsFunc(named, func(t btf.Type) bool {
		switch t := t.(type) {
		case *btf.Func:
			return t.Linkage == btf.ExternFunc
		case *btf.Var:
			return t.Linkage == btf.ExternVar
		}
		return false
	})
}
