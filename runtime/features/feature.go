package features

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/bpfgen/bpfgen/internal/uapi"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/link"
)

// Feature is something that a kernel has or hasn't: one of the constants below,
// or what the functions beginning with Of return. Equal ones are the same.
type Feature uint64

// A Feature is a kind, and two numbers that mean something to it.
const (
	kindShift   = 56
	secondShift = 32
)

type kind uint8

const (
	kindInstructions kind = iota + 1
	kindMapType
	kindMapFlag
	kindProgramType
	kindHelper
	kindAttachType
	kindLinkType
)

func (k kind) feature(first, second uint32) Feature {
	return Feature(k)<<kindShift | Feature(second)<<secondShift&(1<<kindShift-1) | Feature(first)
}

// kinds is how each kind of Feature is named and probed.
var kinds = [...]struct {
	name  func(first, second uint32) string
	probe func(feature string, first, second uint32) error
}{
	kindInstructions: {
		func(i, _ uint32) string { return find(instructionSets[:], i).name },
		func(feature string, i, _ uint32) error { return haveInstructions(feature, find(instructionSets[:], i)) },
	},
	kindMapType: {
		func(mt, _ uint32) string { return "map type " + ebpf.MapType(mt).String() },
		func(feature string, mt, _ uint32) error { return haveMapType(feature, ebpf.MapType(mt)) },
	},
	kindMapFlag: {
		func(flag, _ uint32) string { return "map flag " + MapFlags(flag).String() },
		func(feature string, flag, _ uint32) error { return haveMapFlag(feature, MapFlags(flag)) },
	},
	kindProgramType: {
		func(pt, _ uint32) string { return "program type " + ebpf.ProgramType(pt).String() },
		func(feature string, pt, _ uint32) error { return haveProgramType(feature, ebpf.ProgramType(pt)) },
	},
	kindHelper: {
		func(fn, pt uint32) string {
			return fmt.Sprintf("helper %v in %v programs", asm.BuiltinFunc(fn), ebpf.ProgramType(pt))
		},
		func(feature string, fn, pt uint32) error {
			return haveHelper(feature, ebpf.ProgramType(pt), asm.BuiltinFunc(fn))
		},
	},
	kindAttachType: {
		func(at, _ uint32) string { return "attach type " + uapi.AttachType(at).UAPI() },
		func(feature string, at, _ uint32) error { return haveAttachType(feature, uapi.AttachType(at)) },
	},
	kindLinkType: {
		func(lt, _ uint32) string { return "link " + link.Type(lt).String() },
		func(feature string, lt, _ uint32) error { return haveLinkType(feature, link.Type(lt)) },
	},
}

// find is the row of a table, the zero one if there is none.
func find[T any](rows []T, i uint32) (row T) {
	if uint64(i) < uint64(len(rows)) {
		row = rows[i]
	}
	return row
}

// OfMapType is that the kernel can make maps of a type.
func OfMapType(mt ebpf.MapType) Feature { return kindMapType.feature(uint32(mt), 0) }

// OfMapFlag is that the kernel knows a flag of maps.
func OfMapFlag(flag MapFlags) Feature { return kindMapFlag.feature(uint32(flag), 0) }

// OfProgramType is that the kernel knows a type of programs.
func OfProgramType(pt ebpf.ProgramType) Feature { return kindProgramType.feature(uint32(pt), 0) }

// OfHelper is that programs of a type can call a helper.
func OfHelper(pt ebpf.ProgramType, helper asm.BuiltinFunc) Feature {
	return kindHelper.feature(uint32(helper), uint32(pt))
}

// OfAttachType is that there is a hook for programs of an attach type.
func OfAttachType(at ebpf.AttachType) Feature { return kindAttachType.feature(uint32(at), 0) }

// OfLinkType is that the kernel makes links of a type.
func OfLinkType(lt link.Type) Feature { return kindLinkType.feature(uint32(lt), 0) }

func (f Feature) split() (k kind, first, second uint32) {
	return kind(f >> kindShift), uint32(f), uint32(f >> secondShift & (1<<(kindShift-secondShift) - 1))
}

// String says what it is: "program type XDP".
func (f Feature) String() string {
	k, first, second := f.split()
	if name := find(kinds[:], uint32(k)).name; name != nil {
		return name(first, second)
	}
	return fmt.Sprintf("Feature(%#x)", uint64(f))
}

// Have asks the kernel. It wraps os.ErrInvalid if nobody knows how to.
func (f Feature) Have() error {
	k, first, second := f.split()
	probe := find(kinds[:], uint32(k)).probe
	if probe == nil {
		return fmt.Errorf("probe %v: there is no probe for it: %w", f, os.ErrInvalid)
	}
	return probe(f.String(), first, second)
}

// Cache keeps what probes answer, so that each is asked once: not those that
// found out nothing. The zero value is ready. Methods may be called from any
// goroutine.
type Cache struct {
	mu      sync.Mutex
	answers map[Feature]error
}

// Have is f.Have, or what that said before.
func (c *Cache) Have(f Feature) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err, known := c.answers[f]; known {
		return err
	}
	err := f.Have()
	if err == nil || errors.Is(err, ebpf.ErrNotSupported) {
		if c.answers == nil {
			c.answers = make(map[Feature]error)
		}
		c.answers[f] = err
	}
	return err
}

// Forget makes the Cache ask again, say after the process has got other
// capabilities, or the kernel another module.
func (c *Cache) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.answers)
}
