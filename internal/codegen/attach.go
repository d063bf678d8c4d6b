package codegen

import (
	"strings"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// Attach says how Attach of the generated objects attaches a program.
type Attach struct {
	Func string // of package link
	// Options is the struct of package link that the function takes, with the
	// program as field Program; empty for functions that take Args, the program
	// and nil.
	Options string
	Open    bool     // the caller has to fill in Options: SEC() doesn't say it all
	Type    string   // constant for the field Attach of Options, if it has one
	Name    string   // for the field Name of Options, if it has one
	Args    []string // what comes before the program
}

// attachOf is how to attach a program, nil if its section doesn't say so.
func attachOf(p *object.Program) *Attach {
	if p.Def == nil {
		return nil
	}
	switch p.Def.Suffix {
	case object.SuffixKernelFunc, object.SuffixRawTracepoint, object.SuffixTracepoint, object.SuffixLSMHook:
		if p.AttachTo == "" || p.Def.Traits&object.Session != 0 {
			return nil
		}
	}
	switch p.Type {
	case uapi.ProgTypeTracing:
		if p.Def.Suffix == object.SuffixKernelFunc || p.Def.Suffix == object.SuffixRawTracepoint {
			return &Attach{Func: "AttachTracing", Options: "TracingOptions"}
		}
	case uapi.ProgTypeRawTracepoint, uapi.ProgTypeRawTracepointWritable:
		return &Attach{Func: "AttachRawTracepoint", Options: "RawTracepointOptions", Name: p.AttachTo}
	case uapi.ProgTypeTracePoint:
		if group, name, ok := strings.Cut(p.AttachTo, "/"); ok {
			return &Attach{Func: "Tracepoint", Args: []string{group, name}}
		}
	case uapi.ProgTypeKprobe:
		return attachKprobe(p)
	case uapi.ProgTypeLSM:
		if p.AttachType == uapi.AttachLSMMac {
			return &Attach{Func: "AttachLSM", Options: "LSMOptions"}
		}
	case uapi.ProgTypeXDP:
		if p.AttachType == uapi.AttachXDP {
			return &Attach{Func: "AttachXDP", Options: "XDPOptions", Open: true}
		}
	case uapi.ProgTypeSchedCLS:
		if p.AttachType == uapi.AttachTCXIngress || p.AttachType == uapi.AttachTCXEgress {
			return &Attach{Func: "AttachTCX", Options: "TCXOptions", Open: true, Type: p.AttachType.String()}
		}
	}
	if strings.HasPrefix(p.Def.Name, "cgroup") && p.AttachType != uapi.AttachNone {
		return &Attach{Func: "AttachCgroup", Options: "CgroupOptions", Open: true, Type: p.AttachType.String()}
	}
	return nil
}

// attachKprobe is for functions without an offset.
func attachKprobe(p *object.Program) *Attach {
	if p.Def.Suffix != object.SuffixKernelFunc || strings.Contains(p.AttachTo, "+") {
		return nil
	}
	if p.Def.Traits&object.Return != 0 {
		return &Attach{Func: "Kretprobe", Args: []string{p.AttachTo}}
	}
	return &Attach{Func: "Kprobe", Args: []string{p.AttachTo}}
}

// addAttach says of the programs that are always loaded how to attach them.
func (m *Model) addAttach(obj *object.Object) {
	for i := range m.Programs {
		item := &m.Programs[i]
		for _, p := range obj.Programs {
			if p.Name == item.C && !item.Optional {
				item.Attach, item.Section = attachOf(p), p.Section
			}
		}
	}
}
