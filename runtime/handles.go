package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// setValue decodes what a lookup found. Maps of maps and program arrays give
// IDs, which **Map and **Program take as what they stand for.
func (m *Map) setValue(valueOut any, buf []byte) error {
	switch out := valueOut.(type) {
	case **Map:
		if !m.typ.holdsMaps() {
			return fmt.Errorf("a %s has no maps as values", m.typ)
		}
		return setHandle(out, buf, NewMapFromID)
	case **Program:
		if m.typ != ProgramArray {
			return fmt.Errorf("a %s has no programs as values", m.typ)
		}
		return setHandle(out, buf, NewProgramFromID)
	}
	return m.value.setFrom(valueOut, buf)
}

// setHandle closes what out points to and replaces it.
func setHandle[H interface{ Close() error }, ID ~uint32](out *H, buf []byte, open func(ID) (H, error)) error {
	if out == nil {
		return errNilValue
	}
	obj, err := open(ID(binary.NativeEndian.Uint32(buf)))
	if err != nil {
		return err
	}
	closing := (*out).Close()
	*out = obj
	return closing
}

func possibleCPUs() (int, error) {
	cpus, err := kernel.PossibleCPUs()
	if err != nil {
		return 0, fmt.Errorf("number of possible CPUs: %w", err)
	}
	return cpus, nil
}

// closeAll closes everything, and joins the errors.
func closeAll[C interface{ Close() error }](all []C) error {
	var errs []error
	for _, c := range all {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
