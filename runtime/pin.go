package ebpf

import (
	"fmt"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// LoadPinOptions say how to open a pinned object.
type LoadPinOptions struct {
	// ReadOnly and WriteOnly restrict what can be done with a map, to one of
	// reading and writing. Default is both. Needs 4.15.
	ReadOnly  bool
	WriteOnly bool
	// Flags are those of BPF_OBJ_GET. The fields above win.
	Flags uint32
}

// Marshal is what BPF_OBJ_GET takes as its flags.
func (lpo *LoadPinOptions) Marshal() uint32 {
	if lpo == nil {
		return 0
	}
	flags := lpo.Flags
	if lpo.ReadOnly {
		flags |= uapi.MapFlagRdonly
	}
	if lpo.WriteOnly {
		flags |= uapi.MapFlagWronly
	}
	return flags
}

// Pin gives the map a name in a BPF file system, which keeps it after the end of
// this process. Pinning again moves the name, unless the new one is taken.
// Needs 4.4.
func (m *Map) Pin(fileName string) error {
	if err := m.pin.Pin(m.fd, fileName); err != nil {
		return fmt.Errorf("pin map %q to %s: %w", m.name, fileName, err)
	}
	return nil
}

// Unpin removes the name that Pin gave. An unpinned map stays as it is.
func (m *Map) Unpin() error {
	if err := m.pin.Unpin(); err != nil {
		return fmt.Errorf("unpin map %q: %w", m.name, err)
	}
	return nil
}

// IsPinned tells whether the map has a name by Pin or LoadPinnedMap.
func (m *Map) IsPinned() bool { return m.pin.Is() }

// Pin gives the program a name in a BPF file system, which keeps it after the
// end of this process. Pinning again moves the name, unless the new one is
// taken. Needs 4.4.
func (p *Program) Pin(fileName string) error {
	if err := p.pin.Pin(p.fd, fileName); err != nil {
		return fmt.Errorf("pin program %q to %s: %w", p.name, fileName, err)
	}
	return nil
}

// Unpin removes the name that Pin gave. An unpinned program stays as it is.
func (p *Program) Unpin() error {
	if err := p.pin.Unpin(); err != nil {
		return fmt.Errorf("unpin program %q: %w", p.name, err)
	}
	return nil
}

// IsPinned tells whether the program has a name by Pin or LoadPinnedProgram.
func (p *Program) IsPinned() bool { return p.pin.Is() }

// LoadPinnedMap opens a map by its name in a BPF file system. opts may be nil.
// Needs 4.5.
func LoadPinnedMap(fileName string, opts *LoadPinOptions) (*Map, error) {
	fd, err := openPin(fileName, opts, kernel.KindMap)
	if err != nil {
		return nil, fmt.Errorf("pinned map %s: %w", fileName, err)
	}
	m, err := mapFromFD(fd)
	if err != nil {
		return nil, fmt.Errorf("pinned map %s: %w", fileName, err)
	}
	m.pin.Loaded(fileName)
	return m, nil
}

// LoadPinnedProgram opens a program by its name in a BPF file system. opts may
// be nil. Needs 4.11.
func LoadPinnedProgram(fileName string, opts *LoadPinOptions) (*Program, error) {
	fd, err := openPin(fileName, opts, kernel.KindProg)
	if err != nil {
		return nil, fmt.Errorf("pinned program %s: %w", fileName, err)
	}
	p, err := programFromFD(fd)
	if err != nil {
		return nil, fmt.Errorf("pinned program %s: %w", fileName, err)
	}
	p.pin.Loaded(fileName)
	return p, nil
}

// openPin opens a pin that must be of a kind.
func openPin(path string, opts *LoadPinOptions, kind string) (*kernel.FD, error) {
	fd, err := kernel.ObjGet(path, opts.Marshal())
	if err != nil {
		return nil, kernel.ExplainPermission(err)
	}
	is, err := kernel.Kind(fd)
	if err == nil && is != kind {
		err = fmt.Errorf("it is a %s, not a %s", is, kind)
	}
	if err != nil {
		fd.Close()
		return nil, err
	}
	return fd, nil
}
