package ebpf

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"syscall"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// attachTarget is what a program is checked against when it is loaded: a type
// of the kernel, of one of its modules, or of another program.
type attachTarget struct {
	id     btf.TypeID
	module string     // whose BTF the ID is of, "" for vmlinux
	prog   *kernel.FD // the program that the ID is of

	member   uint32 // index in the struct that the ID is of
	isMember bool
}

// hook is how a kind of programs names the type that it attaches to.
type hook struct {
	typ    ProgramType
	attach AttachType
	any    bool // for all attach types
	prefix string
	kinds  rawbtf.KindSet
}

// hooks has a row for all programs that attach to a type of the kernel.
var hooks = []hook{
	{typ: Tracing, attach: AttachTraceRawTp, prefix: "btf_trace_", kinds: rawbtf.Kinds(rawbtf.KindTypedef)},
	{typ: Tracing, attach: AttachTraceFEntry, kinds: rawbtf.Kinds(rawbtf.KindFunc)},
	{typ: Tracing, attach: AttachTraceFExit, kinds: rawbtf.Kinds(rawbtf.KindFunc)},
	{typ: Tracing, attach: AttachTraceFSession, kinds: rawbtf.Kinds(rawbtf.KindFunc)},
	{typ: Tracing, attach: AttachModifyReturn, kinds: rawbtf.Kinds(rawbtf.KindFunc)},
	{typ: Tracing, attach: AttachTraceIter, prefix: "bpf_iter_", kinds: rawbtf.Kinds(rawbtf.KindFunc)},
	{typ: LSM, any: true, prefix: "bpf_lsm_", kinds: rawbtf.Kinds(rawbtf.KindFunc)},
	{typ: Extension, any: true, kinds: rawbtf.Kinds(rawbtf.KindFunc)},
}

// attachQuery looks for a type in one module, in "vmlinux", or wherever it is.
type attachQuery struct {
	rawbtf.Query
	module string
}

// query is about "name", or "module:name".
func (h *hook) query(attachTo string) attachQuery {
	module, name, ok := strings.Cut(attachTo, ":")
	if !ok {
		module, name = "", attachTo
	}
	return attachQuery{rawbtf.Query{Name: h.prefix + name, Kinds: h.kinds}, module}
}

// in tells whether to look into the types of a module, "" for vmlinux.
func (q *attachQuery) in(module string) bool {
	return q.module == "" || q.module == module || q.module == "vmlinux" && module == ""
}

// hookOf is the row for a program, nil if it attaches to no type.
func hookOf(ps *ProgramSpec) *hook {
	for i := range hooks {
		if h := &hooks[i]; h.typ == ps.Type && (h.any || h.attach == ps.AttachType) {
			return h
		}
	}
	return nil
}

// findTargets fills in what the programs attach to. The names of all are looked
// up at once, because that means one look through the kernel's types.
func findTargets(programs []*ProgramSpec, codes []code, kt *kernelTypes, t *token) error {
	var queries []attachQuery
	var asking []int
	for i, ps := range programs {
		if ps.Type == StructOps {
			target, err := kt.structOpsTarget(ps.AttachTo)
			if err != nil {
				return ps.fail(err)
			}
			codes[i].target = target
			continue
		}
		h := hookOf(ps)
		if h == nil {
			continue
		}
		if ps.AttachTo == "" {
			return ps.fail(errors.New("it says not what to attach to: set ProgramSpec.AttachTo before loading"))
		}
		if ps.AttachTarget != nil {
			target, err := functionOf(ps.AttachTarget, ps.AttachTo, t)
			if err != nil {
				return ps.fail(err)
			}
			codes[i].target = target
			continue
		}
		if ps.Type == Extension {
			return ps.fail(errors.New("it extends another program: set ProgramSpec.AttachTarget before loading"))
		}
		queries = append(queries, h.query(ps.AttachTo))
		asking = append(asking, i)
	}
	if len(queries) == 0 {
		return nil
	}
	targets, err := kt.find(queries)
	if err != nil {
		return programs[asking[0]].fail(err)
	}
	for n, i := range asking {
		if targets[n].id == 0 {
			return programs[i].fail(notInKernel(programs[i], queries[n].Name, kt.didYouMean(queries[n].Query)))
		}
		codes[i].target = targets[n]
	}
	return nil
}

// kernelFunction is what most programs attach to.
const kernelFunction = "kernel function"

// notInKernel is about an attach target that this kernel doesn't have.
func notInKernel(ps *ProgramSpec, name, near string) error {
	what := kernelFunction
	switch {
	case strings.HasPrefix(name, "btf_trace_"):
		what = "tracepoint"
	case ps.Type == LSM:
		what = "LSM hook"
	case strings.HasPrefix(name, "bpf_iter_"):
		what = "iterator"
	}
	return fmt.Errorf("this kernel has no %s %q%s (no %s in its types%s): %w", what, ps.AttachTo, near, name, untyped(what, name), ErrNotSupported)
}

// untyped says if the kernel has a function without types, which only kprobes
// attach to.
func untyped(what, name string) string {
	if what != kernelFunction {
		return ""
	}
	for symbol := range kernel.SymbolNames("tTwW") {
		if base, _, _ := strings.Cut(symbol, "."); base == name {
			return fmt.Sprintf("; it has %s without types, which kprobes can attach to", symbol)
		}
	}
	return ""
}

// running are the types of the running kernel, or of one of its modules, whose
// IDs count even if CO-RE has been given the types of another one.
func (kt *kernelTypes) running(module string) (*btf.Spec, error) {
	if module != "" {
		return kt.cache.Module(module)
	}
	return kt.cache.Kernel()
}

// find answers queries from vmlinux, and from modules for what isn't there.
func (kt *kernelTypes) find(queries []attachQuery) ([]attachTarget, error) {
	vmlinux, err := kt.running("")
	if err != nil {
		return nil, fmt.Errorf("attach target: %w", err)
	}
	targets := make([]attachTarget, len(queries))
	if fillTargets(targets, queries, vmlinux, "") {
		return targets, nil
	}
	modules, err := kt.modules()
	if err != nil {
		return nil, fmt.Errorf("attach target: types of modules: %w", err)
	}
	for _, m := range modules {
		if fillTargets(targets, queries, m.Types, m.Name) {
			break
		}
	}
	return targets, nil
}

// fillTargets looks for targets that aren't known yet, and tells whether all are.
func fillTargets(targets []attachTarget, queries []attachQuery, types *btf.Spec, module string) bool {
	complete := true
	names := make([]rawbtf.Query, len(queries))
	for i := range queries {
		names[i] = queries[i].Query
	}
	for i, ids := range types.Records().FindAll(names) {
		switch {
		case targets[i].id != 0:
		case len(ids) > 0 && queries[i].in(module):
			targets[i] = attachTarget{id: btf.TypeID(ids[0]), module: module}
		default:
			complete = false
		}
	}
	return complete
}

// functionOf is a function of another program.
func functionOf(p *Program, name string, t *token) (attachTarget, error) {
	types, err := typesOf(p, t)
	if err != nil {
		return attachTarget{}, fmt.Errorf("types of the program %q to attach to: %w", p.name, err)
	}
	ids := types.Records().Find(rawbtf.Query{Name: name, Kinds: rawbtf.Kinds(rawbtf.KindFunc)})
	if len(ids) == 0 {
		near := didYouMean(name, functionNames(types))
		return attachTarget{}, fmt.Errorf("program %q to attach to has no function %q%s", p.name, name, near)
	}
	return attachTarget{id: btf.TypeID(ids[0]), prog: p.fd}, nil
}

// functionNames are the functions that BTF describes.
func functionNames(types *btf.Spec) iter.Seq[string] {
	return func(yield func(string) bool) {
		for typ := range types.Records().All() {
			if typ.Kind() != rawbtf.KindFunc {
				continue
			}
			if name, err := typ.Name(); err == nil && !yield(name) {
				return
			}
		}
	}
}

// typesOf asks the kernel for the BTF of a program.
func typesOf(p *Program, t *token) (*btf.Spec, error) {
	h, err := p.Handle()
	if t != nil && errors.Is(err, syscall.EPERM) {
		if id, idErr := p.typeID(); idErr == nil {
			return t.typesByID(id)
		}
	}
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return h.Spec(nil)
}

// moduleTypes opens the kernel's own BTF of a module, by going through all BTF
// there is.
func moduleTypes(module string) (*kernel.FD, error) {
	for id := uint32(0); ; {
		var err error
		if id, err = kernel.NextID(kernel.CmdBTFGetNextID, id); err != nil {
			return nil, fmt.Errorf("BTF of module %s: %w", module, err)
		}
		fd, err := kernel.FDByID(kernel.CmdBTFGetFDByID, id, 0)
		if err != nil {
			continue // gone already
		}
		name := make([]byte, 64)
		info := kernel.BTFInfo{Name: kernel.Bytes(name), NameLen: uint32(len(name))}
		if err := kernel.ObjInfo(fd, &info); err == nil && info.KernelBTF == 1 && kernel.GoString(name) == module {
			return fd, nil
		}
		fd.Close()
	}
}
