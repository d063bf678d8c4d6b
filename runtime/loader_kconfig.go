package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/bpfgen/bpfgen/internal/kconfig"
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// addKconfig tells the map that has them about kconfig externs.
func (cs *CollectionSpec) addKconfig(maps []*object.Map, externs []*object.Extern) {
	for _, m := range maps {
		if m.Kind != object.KconfigMap {
			continue
		}
		for _, e := range externs {
			if e.Kind == asm.ExternKconfig {
				cs.Maps[m.Name].kconfig = append(cs.Maps[m.Name].kconfig, e)
			}
		}
	}
}

// fillKconfig puts the configuration of this kernel into those fresh maps that
// are for it, unless the spec has contents for them.
func fillKconfig(cs *CollectionSpec, coll *Collection, fresh []*Map, programs []*ProgramSpec, text string) error {
	for name, m := range coll.Maps {
		spec := cs.Maps[name]
		if spec.kconfig == nil || len(spec.Contents) > 0 || !slices.Contains(fresh, m) {
			continue
		}
		k := kconfigReader{data: make([]byte, spec.ValueSize), externs: spec.kconfig, used: usedOptions(programs), text: text}
		if err := k.read(); err != nil {
			return fmt.Errorf("map %q: %w", name, err)
		}
		if err := m.Put(uint32(0), k.data); err != nil {
			return err
		}
	}
	return nil
}

// usedOptions are the kconfig externs that programs refer to.
func usedOptions(programs []*ProgramSpec) map[string]bool {
	used := make(map[string]bool)
	for _, ps := range programs {
		for i := range ps.Instructions {
			if e := ps.Instructions[i].Extern(); e != nil && e.Kind == asm.ExternKconfig {
				used[e.Name] = true
			}
		}
	}
	return used
}

// kconfigOf is a map for the kconfig externs of a program that isn't part of a
// collection, nil if it has none.
func kconfigOf(ps *ProgramSpec) (*MapSpec, error) {
	var ms *MapSpec
	var seen map[*asm.Extern]bool // most programs need none
	for i := range ps.Instructions {
		ins := &ps.Instructions[i]
		e := ins.Extern()
		if e == nil || e.Kind != asm.ExternKconfig || seen[e] || mapReference(ins) == "" {
			continue
		}
		if seen == nil {
			seen = make(map[*asm.Extern]bool)
		}
		seen[e] = true
		typ, err := kconfig.TypeOf(e.Type)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
		if ms == nil {
			ms = &MapSpec{Name: ins.Reference(), Type: Array, KeySize: 4, MaxEntries: 1, Flags: uapi.MapFlagRdonlyProg, freeze: true}
		}
		place := uint32(uint64(ins.Constant) >> 32)
		ms.kconfig = append(ms.kconfig, &object.Extern{Extern: *e, Offset: place, Size: typ.Size()})
		ms.ValueSize = max(ms.ValueSize, place+typ.Size())
	}
	return ms, nil
}

// newProgramWithKconfig loads a program and a map that nobody else needs.
func newProgramWithKconfig(spec *ProgramSpec, config *MapSpec, opts ProgramOptions) (*Program, error) {
	cs := &CollectionSpec{
		Maps:     map[string]*MapSpec{config.Name: config},
		Programs: map[string]*ProgramSpec{spec.Name: spec},
	}
	coll, err := withToken("", func(t *token) (*Collection, error) {
		return loadWith(cs, selection{programs: []string{spec.Name}}, &CollectionOptions{Programs: opts}, t)
	})
	if err != nil {
		return nil, err
	}
	defer coll.Close()
	return coll.DetachProgram(spec.Name), nil
}

// kconfigReader finds the values of kconfig externs. What is wrong with those
// that no program refers to doesn't matter: they stay zero.
type kconfigReader struct {
	data    []byte // of the map
	externs []*object.Extern
	used    map[string]bool
	text    string // the user's, comes before what the kernel has
}

func (k *kconfigReader) read() error {
	var options []*object.Extern
	for _, e := range k.externs {
		if kconfig.IsOption(e.Name) {
			options = append(options, e)
			continue
		}
		if err := k.putVirtual(e); err != nil && k.used[e.Name] {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	missing := options
	if k.text != "" {
		var err error
		if missing, err = k.putFrom(strings.NewReader(k.text), options); err != nil {
			return fmt.Errorf("the given configuration: %w", err)
		}
	}
	return k.readKernel(missing)
}

// readKernel finds options in the configuration of the running kernel.
func (k *kconfigReader) readKernel(options []*object.Extern) error {
	if len(options) == 0 {
		return nil
	}
	config, err := kernel.OpenConfig()
	if err != nil {
		return k.withoutKernel(options, err)
	}
	defer config.Close()
	missing, err := k.putFrom(config, options)
	if err != nil {
		return err
	}
	for _, e := range missing {
		if k.used[e.Name] && !e.Weak {
			return k.notSet(e.Name)
		}
	}
	return nil
}

// withoutKernel is what becomes of options if there is no telling the kernel's
// configuration. A user who gave one is believed to have given all of it.
func (k *kconfigReader) withoutKernel(options []*object.Extern, err error) error {
	complete := k.text != "" && errors.Is(err, fs.ErrNotExist)
	for _, e := range options {
		if k.used[e.Name] && !(complete && e.Weak) {
			return fmt.Errorf("%s: %w; or give it as CollectionOptions.Kconfig", e.Name, err)
		}
	}
	return nil
}

// putFrom stores the values of options that a configuration sets, and returns
// the others.
func (k *kconfigReader) putFrom(config io.Reader, options []*object.Extern) (missing []*object.Extern, err error) {
	names := make([]string, len(options))
	for i, e := range options {
		names[i] = e.Name
	}
	values, err := kconfig.Find(config, names)
	if err != nil {
		return nil, err
	}
	for i, e := range options {
		if values[i] == "" {
			missing = append(missing, e)
			continue
		}
		err := k.put(e, func(t kconfig.Type, dst []byte) error { return t.Put(dst, values[i], binary.NativeEndian) })
		if err != nil && k.used[e.Name] {
			return nil, fmt.Errorf("%s=%s: %w", e.Name, values[i], err)
		}
	}
	return missing, nil
}

// put stores a value in the place of an extern.
func (k *kconfigReader) put(e *object.Extern, value func(kconfig.Type, []byte) error) error {
	typ, err := kconfig.TypeOf(e.Type)
	if err != nil {
		return err
	}
	if typ.Size() != e.Size || uint64(e.Offset)+uint64(e.Size) > uint64(len(k.data)) {
		return fmt.Errorf("it isn't %d bytes at offset %d of the map", e.Size, e.Offset)
	}
	return value(typ, k.data[e.Offset:e.Offset+e.Size])
}

// virtualOptions are externs in .kconfig that are no options.
var virtualOptions = []struct {
	name  string
	value func() (uint64, error)
}{
	{"LINUX_KERNEL_VERSION", func() (uint64, error) {
		version, err := kernel.VersionCode()
		return uint64(version), err
	}},
	{"LINUX_HAS_BPF_COOKIE", func() (uint64, error) { return truth(kernel.HasCookie()), nil }},
	{"LINUX_HAS_SYSCALL_WRAPPER", func() (uint64, error) {
		has, err := kernel.HasSyscallWrapper()
		return truth(has), err
	}},
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func (k *kconfigReader) putVirtual(e *object.Extern) error {
	for _, v := range virtualOptions {
		if v.name != e.Name {
			continue
		}
		n, err := v.value()
		if err != nil {
			return err
		}
		return k.put(e, func(t kconfig.Type, dst []byte) error { return t.PutNumber(dst, n, binary.NativeEndian) })
	}
	if e.Weak && strings.HasPrefix(e.Name, "LINUX_") {
		return nil // of a newer loader, maybe
	}
	return errors.New("there is no such extern: __kconfig is for CONFIG_… and LINUX_KERNEL_VERSION, LINUX_HAS_BPF_COOKIE, LINUX_HAS_SYSCALL_WRAPPER")
}

// notSet is about an option that the kernel was built without.
func (k *kconfigReader) notSet(name string) error {
	const wayOut = "if the program can do without, declare it __weak: then it is 0"
	config, err := kernel.OpenConfig()
	if err != nil {
		return fmt.Errorf("%s isn't set in the configuration of this kernel (%s)", name, wayOut)
	}
	defer config.Close()
	switch near, off := kconfig.Nearest(config, name, 3); {
	case off:
		return fmt.Errorf("%s is off in the configuration of this kernel (%s)", name, wayOut)
	case len(near) > 0:
		return fmt.Errorf("%s isn't in the configuration of this kernel (did you mean %s? %s)", name, strings.Join(near, " or "), wayOut)
	}
	return fmt.Errorf("%s isn't in the configuration of this kernel (%s)", name, wayOut)
}
