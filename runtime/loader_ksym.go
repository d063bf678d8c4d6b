package ebpf

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/corerelo"
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/sorting"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// ksym is an extern, and what this kernel has for it.
type ksym struct {
	extern *asm.Extern
	user   *ProgramSpec // that refers to it…
	line   *btf.Line    // …here, for errors; may be nil

	types  *btf.Spec // that has id, nil if nothing was found
	id     btf.TypeID
	module string // that types is of, "" for vmlinux
	slot   int    // of the module in the table of descriptors
	addr   uint64 // for those without a type

	unlike error // why what was found isn't what was declared
}

// isKsym tells whether an instruction refers to the kernel itself, and not to
// its configuration, which is in a map.
func isKsym(ins *asm.Instruction) bool {
	e := ins.Extern()
	return e != nil && e.Kind != asm.ExternKconfig && e.Kind != asm.ExternUnknown
}

// linkKsyms puts the functions, variables and addresses of this kernel into the
// instructions that refer to them. Types and symbols are gone through once for
// all programs.
func linkKsyms(programs []*ProgramSpec, codes []code, kt *kernelTypes, modules *moduleTable) error {
	syms := collectKsyms(programs)
	if len(syms) == 0 {
		return nil
	}
	if err := findTyped(syms, kt); err != nil {
		return err
	}
	if err := findAddresses(syms, kt); err != nil {
		return err
	}
	byExtern := make(map[*asm.Extern]*ksym, len(syms))
	for i := range syms {
		s := &syms[i]
		if err := s.settle(modules, kt); err != nil {
			return s.user.fail(err)
		}
		byExtern[s.extern] = s
	}
	for _, c := range codes {
		for i := range c.insns {
			ins := &c.insns[i]
			if !isKsym(ins) {
				continue
			}
			if err := byExtern[ins.Extern()].link(ins, modules); err != nil {
				return err
			}
		}
	}
	return nil
}

// collectKsyms lists what programs refer to, in the order of their files.
func collectKsyms(programs []*ProgramSpec) []ksym {
	var syms []ksym
	var seen map[*asm.Extern]bool // most programs need none
	for _, ps := range programs {
		var line *btf.Line
		for i := range ps.Instructions {
			ins := &ps.Instructions[i]
			if l := ins.Metadata.Line(); l != nil {
				line = l
			}
			if !isKsym(ins) || seen[ins.Extern()] {
				continue
			}
			if seen == nil {
				seen = make(map[*asm.Extern]bool)
			}
			seen[ins.Extern()] = true
			syms = append(syms, ksym{extern: ins.Extern(), user: ps, line: line})
		}
	}
	sorting.Stable(syms, func(a, b *ksym) int { return cmp.Compare(a.extern.Index, b.extern.Index) })
	return syms
}

// query is what to look for among types. A function may be declared in several
// ways under names that differ behind "___"; it has one name in the kernel.
func (s *ksym) query() rawbtf.Query {
	switch s.extern.Kind {
	case asm.ExternKfunc:
		return rawbtf.Query{Name: rawbtf.EssentialName(s.extern.Name), Kinds: rawbtf.Kinds(rawbtf.KindFunc)}
	case asm.ExternKsym:
		return rawbtf.Query{Name: s.extern.Name, Kinds: rawbtf.Kinds(rawbtf.KindVar)}
	}
	return rawbtf.Query{}
}

// findTyped looks externs up that are declared with a type: in vmlinux, and
// then in its modules. It is always about the running kernel, whose IDs count,
// even if CO-RE has been given the types of another one.
func findTyped(syms []ksym, kt *kernelTypes) error {
	var open []*ksym
	for i := range syms {
		if syms[i].query().Name != "" {
			open = append(open, &syms[i])
		}
	}
	if len(open) == 0 {
		return nil
	}
	vmlinux, err := kt.cache.Kernel()
	if errors.Is(err, btf.ErrNotSupported) {
		return nil // then it has no such symbols either
	}
	if err != nil {
		return fmt.Errorf("kernel symbols: %w", err)
	}
	if open = findIn(open, vmlinux, ""); len(open) == 0 {
		return nil
	}
	modules, err := kt.modules()
	if err != nil {
		return fmt.Errorf("kernel symbols: types of modules: %w", err)
	}
	for _, m := range modules {
		if open = findIn(open, m.Types, m.Name); len(open) == 0 {
			break
		}
	}
	return nil
}

// findIn looks for symbols among types. It returns those that aren't there.
func findIn(open []*ksym, types *btf.Spec, module string) (missing []*ksym) {
	queries := make([]rawbtf.Query, len(open))
	for i, s := range open {
		queries[i] = s.query()
	}
	for i, ids := range types.Records().FindAll(queries) {
		s := open[i]
		if len(ids) == 0 {
			missing = append(missing, s)
			continue
		}
		s.types, s.id, s.module = types, btf.TypeID(ids[0]), module
	}
	return missing
}

// findAddresses looks up externs that are declared without a type.
func findAddresses(syms []ksym, kt *kernelTypes) error {
	var names []string
	var open []*ksym
	for i := range syms {
		if s := &syms[i]; s.extern.Kind == asm.ExternAddress {
			names, open = append(names, s.extern.Name), append(open, s)
		}
	}
	if len(open) == 0 {
		return nil
	}
	found, err := kernel.FindSymbols(names)
	if err != nil {
		return err
	}
	for i, s := range open {
		switch sym := found[i]; {
		case sym.Other != 0:
			return s.user.fail(fmt.Errorf("the kernel has several symbols %s, at %#x and at %#x, among others", s.extern.Name, sym.Addr, sym.Other))
		case sym.Found:
			s.addr = sym.Addr
		case !s.extern.Weak:
			return s.user.fail(s.missing(kt))
		}
	}
	return nil
}

// settle decides whether the program can have what was found, and opens the
// module that has it.
func (s *ksym) settle(modules *moduleTable, kt *kernelTypes) (err error) {
	if s.extern.Kind == asm.ExternAddress {
		return nil
	}
	if s.types != nil && !s.extern.Type.IsZero() {
		s.unlike = corerelo.Compatible(s.extern.Type, s.types.Ref(s.id))
	}
	if s.unlike != nil {
		s.types = nil
	}
	switch {
	case s.types == nil && s.extern.Weak && (s.unlike == nil || s.extern.Kind == asm.ExternKfunc):
		return nil
	case s.types == nil:
		return s.missing(kt)
	case s.module == "":
		return nil
	}
	s.slot, err = modules.open(s.module)
	return err
}

// missing says why a program can't have what it refers to.
func (s *ksym) missing(kt *kernelTypes) error {
	what := fmt.Sprintf("%s %s", s.extern.Kind, s.query().Name)
	where := "the types of this kernel and its modules"
	if s.extern.Kind == asm.ExternAddress {
		what, where = fmt.Sprintf("%s %s", s.extern.Kind, s.extern.Name), "/proc/kallsyms"
	}
	if s.line != nil {
		what = s.line.Position() + ": " + what
	}
	if s.unlike != nil {
		return fmt.Errorf("%s of this kernel isn't what the program expects: %w: %w", what, s.unlike, ErrNotSupported)
	}
	return fmt.Errorf("%s isn't in %s%s (if the program can do without, declare it __weak): %w", what, where, s.near(kt), ErrNotSupported)
}

// near suggests symbols with names like the one that is missing.
func (s *ksym) near(kt *kernelTypes) string {
	if s.extern.Kind == asm.ExternAddress {
		return didYouMean(s.extern.Name, kernel.SymbolNames("tTdDbBrRwW"))
	}
	return kt.didYouMean(s.query())
}

// poisonedCall is the number of a helper that doesn't exist, to which the index
// of the extern is added. It takes the place of missing functions, which is fine
// as long as the verifier finds the call to be unreachable.
const poisonedCall = 2002000000

// link puts what was found into an instruction that refers to it.
func (s *ksym) link(ins *asm.Instruction, modules *moduleTable) error {
	call := ins.IsKfuncCall()
	switch {
	case call && s.types == nil:
		ins.Src, ins.Offset, ins.Constant = asm.R0, 0, poisonedCall+int64(s.extern.Index)
	case call:
		ins.Offset, ins.Constant = int16(s.slot), int64(s.id)
	case s.types == nil:
		ins.Src, ins.Constant = asm.R0, int64(s.addr)
	default:
		return ins.AssociateBTFID(uint32(s.id), modules.fd(s.slot))
	}
	return nil
}

// missingKfunc is the function that an instruction calls although it doesn't
// exist, "" if it does something else.
func missingKfunc(ins *asm.Instruction) string {
	e := ins.Extern()
	if e == nil || !ins.IsBuiltinCall() || ins.Constant != poisonedCall+int64(e.Index) {
		return ""
	}
	return e.Name
}

// moduleTable has the descriptors of the BTF of modules that programs refer to.
// They stay open until the programs are loaded.
type moduleTable struct {
	names []string
	fds   []*kernel.FD
}

// open returns the slot of a module: its index in the array of descriptors that
// programs are loaded with. Slot 0 stands for vmlinux.
func (mt *moduleTable) open(module string) (slot int, err error) {
	if i := slices.Index(mt.names, module); i >= 0 {
		return i + 1, nil
	}
	if len(mt.fds) == math.MaxInt16-1 {
		return 0, errors.New("the programs refer to functions and variables of too many modules")
	}
	fd, err := moduleTypes(module)
	if err != nil {
		return 0, err
	}
	mt.names, mt.fds = append(mt.names, module), append(mt.fds, fd)
	return len(mt.fds), nil
}

// fd is the descriptor in a slot, 0 for vmlinux.
func (mt *moduleTable) fd(slot int) int {
	if slot == 0 {
		return 0
	}
	return mt.fds[slot-1].Int()
}

// array is all descriptors by slot, nil if there are none.
func (mt *moduleTable) array() []int32 {
	if len(mt.fds) == 0 {
		return nil
	}
	array := make([]int32, len(mt.fds)+1)
	for i, fd := range mt.fds {
		array[i+1] = int32(fd.Int())
	}
	return array
}

func (mt *moduleTable) close() {
	for _, fd := range mt.fds {
		_ = fd.Close()
	}
}
