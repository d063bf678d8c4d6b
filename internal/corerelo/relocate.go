package corerelo

import (
	"errors"
	"fmt"
	"slices"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// A Reloc is a relocation to solve.
type Reloc struct {
	*btf.CORERelocation
	// Ins is the instruction to relocate. It is optional, and read only to tell the C line in errors.
	Ins *asm.Instruction
}

// A Target is what programs are relocated against.
type Target struct {
	// Kernel has the types of vmlinux, or of what the user gave in their place. It may be nil if there are no relocations other than
	// local type IDs.
	Kernel *btf.Spec
	// Modules returns the types of kernel modules. It is called at most once, and only if some type isn't in Kernel. It may be nil.
	Modules func() ([]Module, error)
	// LocalID returns the ID that a type of the program has in the BTF that the kernel is given. If nil, IDs stay what they are.
	LocalID func(btf.TypeRef) (btf.TypeID, error)
}

// A Module is the BTF of a kernel module, split from that of the kernel.
type Module struct {
	Name  string
	Types *btf.Spec
}

// Relocate solves relocations. The i-th fixup is the solution of the i-th relocation.
//
// All relocations of a collection should be solved by one call, for the types of the kernel are then searched only once. Their order
// matters in one case, as it does for libbpf: if several types of the kernel have the same name, then a field that only some of them
// have rules out the others for the relocations of the same local type that follow.
//
// A relocation without solution is no error, but has a fixup that poisons the instruction. Errors are an [*Error], and are about
// relocations which are malformed, contradict the program's types, or for which the kernel has several solutions.
func Relocate(relos []Reloc, target Target) ([]Fixup, error) {
	r := relocator{
		target: target,
		memo:   make(map[question]*outcome, len(relos)),
		work:   baseWork + budget(len(relos))*workPerRelo,
	}
	groups := make([]*group, len(relos))
	for i, relo := range relos {
		var err error
		if groups[i], err = r.group(relo.CORERelocation); err != nil {
			return nil, fail(relos, i, err)
		}
	}
	if err := r.findCandidates(); err != nil {
		return nil, fmt.Errorf("CO-RE relocation: %w", err)
	}
	fixups := make([]Fixup, len(relos))
	for i, relo := range relos {
		o, err := r.solve(groups[i], relo.CORERelocation)
		if err != nil {
			return nil, fail(relos, i, err)
		}
		fixups[i] = Fixup{relo: relo.CORERelocation, outcome: o}
	}
	return fixups, nil
}

// How much work comparing types may be. Kernels need a few hundred steps a relocation.
const (
	baseWork    = 1 << 21
	workPerRelo = 1 << 12
)

type relocator struct {
	target Target
	locals []*types
	specs  []*btf.Spec // of locals
	groups []*group
	memo   map[question]*outcome
	work   budget
	steps  []step
	slab   []outcome

	rejected []rejection // of the question at hand
}

// A rejection is a candidate and why it isn't the answer.
type rejection struct {
	candidate candidate
	mismatch  mismatch
}

// A group is the relocations of one local type, which share candidates.
type group struct {
	local      *types
	root       rawbtf.Type
	query      rawbtf.Query // without name if there is nothing to look for
	candidates []candidate
}

// A question is what relocations have in common that get the same answer.
type question struct {
	group  *group
	kind   btf.COREKind
	access string
}

// An outcome is the answer to a question.
type outcome struct {
	local         *types
	candidate     candidate // that has the answer, or else comes closest to it
	expect, found answer
	mismatch      mismatch // why there is no answer
	rejected      []rejection
	poison        bool
	keepSize      bool // loads and stores can't be resized, though they need to
	narrow        bool // both enumerators have at most 32 bits
}

var (
	errNoType    = errors.New("relocation has no type")
	errAnonymous = errors.New("types without a name can't be found in the kernel")
	errNoKernel  = errors.New("kernel has no type information (CONFIG_DEBUG_INFO_BTF), and none was given in its place")
)

// group finds or makes the group of a relocation.
func (r *relocator) group(relo *btf.CORERelocation) (*group, error) {
	if relo == nil || relo.Type.IsZero() {
		return nil, errNoType
	}
	local := r.local(relo.Type.Spec())
	for i := len(r.groups) - 1; i >= 0; i-- {
		if g := r.groups[i]; g.local == local && g.root.ID() == uint32(relo.Type.ID()) {
			return g, g.look(relo.Kind)
		}
	}
	root, err := local.Type(uint32(relo.Type.ID()))
	if err != nil {
		return nil, err
	}
	g := &group{local: local, root: root}
	r.groups = append(r.groups, g)
	return g, g.look(relo.Kind)
}

// look decides what to look for in the kernel for a relocation.
func (g *group) look(kind btf.COREKind) error {
	if kind == btf.CORETypeIDLocal || g.query.Name != "" {
		return nil
	}
	name, err := g.root.Name()
	if err != nil {
		return err
	}
	if name == "" {
		return errAnonymous
	}
	kinds := g.root.Kind().Set()
	if anyEnum.Has(g.root.Kind()) {
		kinds = anyEnum
	}
	g.query = rawbtf.Query{Name: rawbtf.EssentialName(name), Kinds: kinds, Essential: true}
	return nil
}

func (r *relocator) local(spec *btf.Spec) *types {
	for i, s := range r.specs {
		if s == spec {
			return r.locals[i]
		}
	}
	local := &types{BTF: spec.Records(), name: "program", pointer: 8}
	r.specs, r.locals = append(r.specs, spec), append(r.locals, local)
	return local
}

// findCandidates looks for the types of all groups at once.
func (r *relocator) findCandidates() error {
	missing := r.groups[:0:0]
	for _, g := range r.groups {
		if g.query.Name != "" {
			missing = append(missing, g)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if r.target.Kernel == nil {
		return errNoKernel
	}
	kernel := &types{BTF: r.target.Kernel.Records(), name: "vmlinux"}
	if err := collect(missing, kernel); err != nil {
		return err
	}
	still := missing[:0]
	for _, g := range missing {
		if len(g.candidates) == 0 {
			still = append(still, g)
		}
	}
	if len(still) == 0 || r.target.Modules == nil {
		return nil
	}
	modules, err := r.target.Modules()
	if err != nil {
		return fmt.Errorf("types of kernel modules: %w", err)
	}
	for _, m := range modules {
		if err := collect(still, &types{BTF: m.Types.Records(), name: "module " + m.Name}); err != nil {
			return err
		}
	}
	return nil
}

// collect adds the candidates that a target has to the groups.
func collect(groups []*group, target *types) error {
	index := make(map[rawbtf.Query]int, len(groups))
	queries := make([]rawbtf.Query, 0, len(groups))
	for _, g := range groups {
		if g.local.ByteOrder() != target.ByteOrder() {
			return fmt.Errorf("program is %s, but %s is %s: compile it for the other byte order", g.local.ByteOrder(), target.name, target.ByteOrder())
		}
		if _, ok := index[g.query]; !ok {
			index[g.query] = len(queries)
			queries = append(queries, g.query)
		}
	}
	found := target.FindAll(queries)
	for _, g := range groups {
		for _, id := range found[index[g.query]] {
			g.candidates = append(g.candidates, candidate{target, id})
		}
	}
	return nil
}

// solve answers the question that a relocation poses.
func (r *relocator) solve(g *group, relo *btf.CORERelocation) (*outcome, error) {
	q := question{g, relo.Kind, relo.Accessor}
	if o, ok := r.memo[q]; ok {
		return o, nil
	}
	p, err := parsePath(g.local, relo, r.steps)
	r.steps = p.steps
	if err != nil {
		return nil, err
	}
	o := r.newOutcome()
	o.local = g.local
	if relo.Kind == btf.CORETypeIDLocal {
		err = r.localID(relo, o)
	} else {
		err = r.search(g, &p, o)
	}
	if err != nil {
		return nil, err
	}
	r.memo[q] = o
	return o, nil
}

func (r *relocator) newOutcome() *outcome {
	if len(r.slab) == 0 {
		r.slab = make([]outcome, 32)
	}
	o := &r.slab[0]
	r.slab = r.slab[1:]
	return o
}

func (r *relocator) localID(relo *btf.CORERelocation, o *outcome) error {
	id := relo.Type.ID()
	if r.target.LocalID != nil {
		var err error
		if id, err = r.target.LocalID(relo.Type); err != nil {
			return err
		}
	}
	o.expect = answer{value: uint64(relo.Type.ID()), vague: true} // linking objects renumbers types
	o.found.value = uint64(id)
	return nil
}

// search asks all candidates, which have to agree. Those that have no answer are out, if some has one.
func (r *relocator) search(g *group, p *path, o *outcome) error {
	var err error
	if o.expect, err = localAnswer(g.local, p); err != nil {
		return err
	}
	o.mismatch.why = noCandidate
	kept, first := 0, verdict{}
	r.rejected = r.rejected[:0]
	for _, c := range g.candidates {
		v, mismatch, err := r.ask(g.local, p, c)
		switch {
		case err != nil:
			return fmt.Errorf("compare with %s: %w", c, err)
		case mismatch.why != matches:
			o.blame(c, mismatch)
			r.rejected = append(r.rejected, rejection{c, mismatch})
			continue
		case kept == 0:
			first = v
		case v.bits != first.bits || v.value != first.value:
			return &AmbiguousError{first, v}
		}
		g.candidates[kept] = c
		kept++
	}
	if kept == 0 {
		if o.poison = !hasDefault(p.kind); o.poison {
			o.rejected = slices.Clone(r.rejected)
		}
		return nil
	}
	g.candidates = g.candidates[:kept]
	return o.settle(p, first)
}

// A verdict is what one candidate answers.
type verdict struct {
	candidate candidate
	answer
	bits   uint64 // offset of the field
	narrow bool   // the enumerator has at most 32 bits
}

func (r *relocator) ask(local *types, p *path, c candidate) (verdict, mismatch, error) {
	f, mismatch, err := match(local, p, c, &r.work)
	if err != nil || mismatch.why != matches {
		return verdict{}, mismatch, err
	}
	a, err := targetAnswer(p, c, &f)
	return verdict{c, a, f.place.bits, !f.wide}, mismatch, err
}

// settle makes a verdict the outcome.
func (o *outcome) settle(p *path, v verdict) error {
	o.mismatch = mismatch{}
	o.candidate, o.found = v.candidate, v.answer
	if o.narrow = v.narrow && !p.wide && p.kind == btf.COREEnumvalValue; o.narrow && p.signed {
		o.found.value = uint64(int64(int32(v.value))) // before Linux 6.0, all enums of the kernel seem unsigned
	}
	if o.expect.size == o.found.size {
		return nil
	}
	ok, err := canResize(o.local, o.expect, o.candidate.types, o.found)
	o.keepSize = !ok
	return err
}

// blame remembers the candidate that matches most steps.
func (o *outcome) blame(c candidate, m mismatch) {
	if o.mismatch.why == noCandidate || m.step > o.mismatch.step {
		o.candidate, o.mismatch = c, m
	}
}

// hasDefault says whether a question has an answer even if the kernel knows nothing of the type, which is zero.
func hasDefault(kind btf.COREKind) bool {
	return kind.IsType() || kind == btf.COREFieldExists || kind == btf.COREEnumvalExists
}
