package codegen

import (
	"cmp"
	"slices"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// Attach says how a program, or a struct_ops map, is attached.
type Attach struct {
	Method string // of the generated objects
	// Options is the type of package link that says what SEC() leaves open;
	// empty if that is nothing.
	Options string
	// More is the type that says more than has to be said, empty if none does.
	More string
	Kind AttachKind
}

// AttachKind tells apart what is attached by different functions.
type AttachKind uint8

// The kinds of attachments.
const (
	AttachAuto      AttachKind = iota // by link.Auto, with Options if there are any
	AttachIter                        // by link.AttachIter, which always has options
	AttachStructOps                   // by link.AttachStructOps
)

// linkType is the type of the link, in package link.
func (a *Attach) linkType() string {
	if a.Kind == AttachIter {
		return "*Iter"
	}
	return "Link"
}

// openSuffixes has what a program says to be told if nothing stands behind the
// slash in its section.
var openSuffixes = map[object.Suffix]string{
	object.SuffixKernelFunc:    "KprobeTarget",
	object.SuffixSyscall:       "KprobeTarget",
	object.SuffixKernelPattern: "KprobeMultiOptions",
	object.SuffixUserFunc:      "UprobeTarget",
	object.SuffixUserPattern:   "UprobeMultiTarget",
	object.SuffixUSDT:          "USDTTarget",
	object.SuffixTracepoint:    "TracepointTarget",
	object.SuffixRawTracepoint: "RawTracepointOptions",
}

// moreSuffixes has what can be said of programs whose sections say enough.
var moreSuffixes = map[object.Suffix]string{
	object.SuffixKernelFunc:    "KprobeOptions",
	object.SuffixSyscall:       "KprobeOptions",
	object.SuffixKernelPattern: "KprobeMultiOptions",
	object.SuffixUserFunc:      "UprobeOptions",
	object.SuffixUserPattern:   "UprobeMultiOptions",
	object.SuffixUSDT:          "USDTOptions",
	object.SuffixTracepoint:    "TracepointOptions",
	object.SuffixRawTracepoint: "RawTracepointOptions",
}

// openTypes has what programs want to be told whatever their section says.
// Cgroup programs are those of types that aren't here, see attachOf.
var openTypes = map[uapi.ProgType]string{
	uapi.ProgTypeXDP:           "XDPOptions",
	uapi.ProgTypeSchedCLS:      "TCTarget",
	uapi.ProgTypeSkSKB:         "SockmapOptions",
	uapi.ProgTypeSkMsg:         "SockmapOptions",
	uapi.ProgTypeFlowDissector: "TargetFD",
	uapi.ProgTypeSkLookup:      "TargetFD",
	uapi.ProgTypePerfEvent:     "TargetFD",
	uapi.ProgTypeNetfilter:     "NetfilterOptions",
	uapi.ProgTypeSocketFilter:  "SocketTarget",
	uapi.ProgTypeSkReuseport:   "SocketTarget",

	uapi.ProgTypeCGroupSKB:      "CgroupOptions",
	uapi.ProgTypeCGroupSock:     "CgroupOptions",
	uapi.ProgTypeCGroupSockAddr: "CgroupOptions",
	uapi.ProgTypeCGroupSockopt:  "CgroupOptions",
	uapi.ProgTypeCGroupSysctl:   "CgroupOptions",
	uapi.ProgTypeCGroupDevice:   "CgroupOptions",
	uapi.ProgTypeSockOps:        "CgroupOptions",
}

// openAttachTypes has those that differ from others of their program type.
var openAttachTypes = map[uapi.AttachType]string{
	uapi.AttachTCXIngress:    "TCXOptions",
	uapi.AttachTCXEgress:     "TCXOptions",
	uapi.AttachNetkitPrimary: "NetkitOptions",
	uapi.AttachNetkitPeer:    "NetkitOptions",
	uapi.AttachLSMCgroup:     "CgroupOptions",
}

// openIterators are iterators that have to be told over what they go.
var openIterators = []string{"bpf_map_elem", "bpf_sk_storage_map", "sockmap", "cgroup"}

// attachOf is how to attach a program, nil if it isn't attached by a link.
func attachOf(p *object.Program) *Attach {
	if p.Def == nil || p.AttachType == uapi.AttachXDPDevMap || p.AttachType == uapi.AttachXDPCPUMap {
		return nil
	}
	if options := openAttachTypes[p.AttachType]; options != "" {
		return &Attach{Options: options}
	}
	if options := openTypes[p.Type]; options != "" {
		return &Attach{Options: options}
	}
	switch p.Type {
	case uapi.ProgTypeTracing:
		return attachTracing(p)
	case uapi.ProgTypeKprobe, uapi.ProgTypeTracePoint, uapi.ProgTypeRawTracepoint, uapi.ProgTypeRawTracepointWritable:
		if p.AttachTo == "" {
			return &Attach{Options: openSuffixes[p.Def.Suffix]}
		}
		return &Attach{More: moreSuffixes[p.Def.Suffix]}
	case uapi.ProgTypeLSM:
		return &Attach{More: "LSMOptions"}
	case uapi.ProgTypeExtension:
		return &Attach{}
	}
	return nil
}

// attachTracing is for programs whose target is known since they were loaded.
func attachTracing(p *object.Program) *Attach {
	switch {
	case p.AttachType == uapi.AttachTraceIter && slices.Contains(openIterators, p.AttachTo):
		return &Attach{Kind: AttachIter, Options: "IterOptions"}
	case p.AttachType == uapi.AttachTraceIter:
		return &Attach{Kind: AttachIter}
	case p.Def.Suffix == object.SuffixKernelPattern:
		return nil // many functions at once: not in package link
	}
	return &Attach{More: "TracingOptions"}
}

// addAttach says how to attach programs and struct_ops maps. Programs that tail
// calls run are not attached.
func (m *Model) addAttach(obj *object.Object, fields *scope) {
	called := map[string]bool{}
	for _, decl := range obj.Maps {
		for _, v := range decl.Values {
			called[v.Name] = called[v.Name] || decl.Type == uapi.MapTypeProgramArray && v.Kind == object.ProgramReference
		}
	}
	for i := range m.Programs {
		item := &m.Programs[i]
		for _, p := range obj.Programs {
			if p.Name != item.C {
				continue
			}
			item.Section, item.Alternative, item.Order = p.Section, p.Alternative(), orderOf(p)
			if !called[p.Name] {
				item.Attach = attachOf(p)
			}
		}
	}
	for i := range m.Maps {
		for _, decl := range obj.Maps {
			if item := &m.Maps[i]; decl.Name == item.C && decl.Kind == object.StructOpsMap {
				item.Section, item.Attach = decl.Section, &Attach{Kind: AttachStructOps}
			}
		}
	}
	for _, items := range [][]Item{m.Programs, m.Maps} {
		for i := range items {
			if a := items[i].Attach; a != nil {
				a.Method = fields.take("Attach" + items[i].Field)
			}
		}
	}
}

// orderOf is the place of a program in the source: its functions are in the BTF
// in that order, while those of a section come together in the object.
func orderOf(p *object.Program) int {
	if len(p.Instructions) == 0 {
		return 0
	}
	return int(funcID(&p.Instructions[0]))
}

func funcID(ins *asm.Instruction) uint32 {
	if fn := ins.Func(); !fn.IsZero() {
		return uint32(fn.ID())
	}
	return 0
}

// attachable is what Attach attaches: programs, then maps.
func (m *Model) attachable() []Item {
	var all []Item
	for _, item := range slices.Concat(m.Programs, m.Maps) {
		if item.Attach != nil {
			all = append(all, item)
		}
	}
	return all
}

// alternatives are the items of a group, in the order in which to try them.
func alternatives(items []Item, group string) []Item {
	var all []Item
	for _, item := range items {
		if item.Alternative == group {
			all = append(all, item)
		}
	}
	slices.SortStableFunc(all, func(a, b Item) int { return cmp.Compare(a.Order, b.Order) })
	return all
}

// mayBeMissing tells whether objects can be without an item, so that there is
// something to report.
func (i *Item) mayBeMissing() bool { return i.Optional || i.Alternative != "" }

func (m *Model) hasReport() bool {
	return m.Names.NewSpecs != "" && slices.ContainsFunc(m.Programs, func(i Item) bool { return i.mayBeMissing() })
}

func secOf(section string) string { return `SEC("` + section + `")` }
