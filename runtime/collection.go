package ebpf

import (
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// CollectionOptions say how to load a collection.
type CollectionOptions struct {
	Maps     MapOptions
	Programs ProgramOptions

	// MapReplacements are maps to use instead of new ones. Each must be what
	// the spec of that name describes. The collection uses a clone: the map
	// remains the caller's to close.
	MapReplacements map[string]*Map

	// Kconfig is text in the format of a kernel's .config. Externs declared
	// with __kconfig take values from here before the configuration of the
	// running kernel, which is only looked for if some aren't in the text.
	Kconfig string

	// TokenPath is the mount point of a BPF file system that delegates BPF to
	// the user namespace of the process (mount options delegate_cmds,
	// delegate_maps, delegate_progs, delegate_attachs). Types, maps and programs
	// are loaded by the right of a token from there; loading fails if there is
	// none. If empty, the environment variable LIBBPF_BPF_TOKEN_PATH counts, as
	// for libbpf; set to nothing, it stands for no token at all. Without it, the
	// process's own rights come first, and if these don't suffice, a token from
	// /sys/fs/bpf is tried. Needs 6.9; 6.15 for reading types of another program
	// to attach to. Capabilities that tokens don't stand in for, as for types of
	// kernel modules (CAP_SYS_ADMIN), are needed as ever.
	TokenPath string

	// Cache holds the types of the kernel, which several loads can share. If
	// nil, each load opens them for itself, if it needs them.
	Cache *btf.Cache
}

// MapOptions say how to make maps.
type MapOptions struct {
	// PinPath is the directory, in a BPF file system, of maps that are pinned
	// by name; default is /sys/fs/bpf, as with libbpf. A map that is there
	// already is used if it is what the spec describes; if it isn't, loading
	// fails.
	PinPath        string
	LoadPinOptions LoadPinOptions
}

// ProgramOptions say how to load programs.
type ProgramOptions struct {
	// LogLevel is what the verifier shall log, into Program.VerifierLog. If it
	// is zero, there is a log only for programs that the verifier rejects,
	// which are verified a second time for it.
	LogLevel LogLevel

	// LogSizeStart is the size of the first buffer for the log, in bytes. It
	// grows as needed.
	LogSizeStart uint32

	// LogDisabled is for never asking for a log.
	LogDisabled bool

	// KernelTypes are used in place of the running kernel's types.
	KernelTypes *btf.Spec

	// ExtraRelocationTargets are used, in addition, in place of those of the
	// kernel's modules.
	ExtraRelocationTargets []*btf.Spec
}

// Collection is what became of a CollectionSpec in the kernel.
type Collection struct {
	Programs map[string]*Program
	Maps     map[string]*Map

	// Variables are the global variables of the programs.
	Variables map[string]*Variable

	refused map[string]error // programs that weren't loaded because there were alternatives
}

// LoadCollection loads all that an object file declares into the kernel. The
// caller has to Close it.
func LoadCollection(file string) (*Collection, error) {
	spec, err := LoadCollectionSpec(file)
	if err != nil {
		return nil, err
	}
	return NewCollection(spec)
}

// NewCollection loads all that a spec describes, except optional programs. The
// caller has to Close it.
func NewCollection(spec *CollectionSpec) (*Collection, error) {
	return NewCollectionWithOptions(spec, CollectionOptions{})
}

// NewCollectionWithOptions is NewCollection with options.
func NewCollectionWithOptions(spec *CollectionSpec, opts CollectionOptions) (*Collection, error) {
	return load(spec, spec.everything(), &opts)
}

// Close closes all maps and programs, and with them the variables. Using them
// later gives ErrClosed.
func (coll *Collection) Close() {
	if coll == nil {
		return
	}
	// Closing what only held kernel objects has no failure worth knowing.
	for _, p := range coll.Programs {
		_ = p.Close()
	}
	for _, m := range coll.Maps {
		_ = m.Close()
	}
}

// DetachMap takes a map out of the collection, whose Close will not affect it.
// It returns nil if there is no map of that name.
func (coll *Collection) DetachMap(name string) *Map {
	m := coll.Maps[name]
	delete(coll.Maps, name)
	return m
}

// DetachProgram takes a program out of the collection, whose Close will not
// affect it. It returns nil if there is no program of that name.
func (coll *Collection) DetachProgram(name string) *Program {
	p := coll.Programs[name]
	delete(coll.Programs, name)
	return p
}

// closeUnassigned closes what no slot took. A variable that was taken keeps the
// memory of its map, whose handle is closed all the same.
func (coll *Collection) closeUnassigned(slots []slot) {
	for _, s := range slots {
		v := s.variable()
		if v == nil {
			continue
		}
		for name, m := range coll.Maps {
			if v.m != m {
				continue
			}
			_, _ = m.Memory() // what can't be mapped can't be read later either
			_ = closeFD(m.fd)
			delete(coll.Maps, name)
		}
	}
	coll.Close()
}
