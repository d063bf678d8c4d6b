package link

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/bpfgen/bpfgen/internal/executable"
)

// usdtProbe is one place that has a probe.
type usdtProbe struct {
	machine uint16
	offset  uint64 // in the file
	counter uint64 // where the file has the counter of who looks, zero for none
	args    string // where the arguments are: "-4@%eax 8@-8(%rbp)"
}

// Sections with probes, and what their notes look like.
const (
	usdtNotes    = ".note.stapsdt"
	usdtBase     = ".stapsdt.base"
	usdtNoteName = "stapsdt\x00"
	usdtNoteType = 3
)

// findProbes reads where a file has a probe.
func findProbes(path, provider, name string) ([]usdtProbe, error) {
	file, err := executable.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if !file.Is64 || file.Order != binary.LittleEndian {
		return nil, fmt.Errorf("probes of a program that isn't 64-bit and little-endian: %w", ErrNotSupported)
	}
	section := file.Section(usdtNotes)
	if section == nil {
		return nil, fmt.Errorf("no probes at all (no section %s): %w", usdtNotes, ErrNoSymbol)
	}
	notes, err := file.Data(section)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", usdtNotes, err)
	}
	var probes []usdtProbe
	for len(notes) > 0 {
		var desc []byte
		if desc, notes, err = nextNote(file.Order, notes); err != nil {
			return nil, err
		}
		n, err := parseUSDTNote(file.Order, desc)
		if err != nil {
			return nil, err
		}
		if n.provider != provider || n.name != name {
			continue
		}
		p, err := n.locate(file)
		if err != nil {
			return nil, err
		}
		probes = append(probes, p)
	}
	if probes == nil {
		return nil, fmt.Errorf("no such probe: %w", ErrNoSymbol)
	}
	return probes, nil
}

// nextNote returns the description of the first note, nil if it isn't of a
// probe, and what follows it.
func nextNote(order binary.ByteOrder, notes []byte) (desc, rest []byte, err error) {
	const header = 12
	malformed := fmt.Errorf("%s ends amid a note: %w", usdtNotes, os.ErrInvalid)
	if len(notes) < header {
		return nil, nil, malformed
	}
	nameSize, descSize, kind := uint64(order.Uint32(notes)), uint64(order.Uint32(notes[4:])), order.Uint32(notes[8:])
	start := header + (nameSize+3)&^3
	end := start + descSize
	if end > uint64(len(notes)) {
		return nil, nil, malformed
	}
	if kind == usdtNoteType && string(notes[header:header+nameSize]) == usdtNoteName {
		desc = notes[start:end]
	}
	return desc, notes[min((end+3)&^3, uint64(len(notes))):], nil
}

// usdtNote is what a note says. Addresses are those that the linker chose.
type usdtNote struct {
	address, base, counter uint64
	provider, name, args   string
}

// parseUSDTNote returns nothing for the nothing that nextNote returns.
func parseUSDTNote(order binary.ByteOrder, desc []byte) (usdtNote, error) {
	if desc == nil {
		return usdtNote{}, nil
	}
	const addresses = 24
	if len(desc) < addresses {
		return usdtNote{}, fmt.Errorf("a note in %s has %d bytes: %w", usdtNotes, len(desc), os.ErrInvalid)
	}
	texts := bytes.SplitN(desc[addresses:], []byte{0}, 4)
	if len(texts) < 4 {
		return usdtNote{}, fmt.Errorf("a note in %s has not three strings: %w", usdtNotes, os.ErrInvalid)
	}
	return usdtNote{
		address: order.Uint64(desc), base: order.Uint64(desc[8:]), counter: order.Uint64(desc[16:]),
		provider: string(texts[0]), name: string(texts[1]), args: string(texts[2]),
	}, nil
}

// locate finds in the file what the note speaks of. Who moved code after it was
// linked moved the section .stapsdt.base too, but changed no notes.
func (n *usdtNote) locate(file *executable.File) (usdtProbe, error) {
	p := usdtProbe{machine: file.Machine, args: n.args}
	var moved uint64
	if base := file.Section(usdtBase); base != nil && n.base != 0 {
		moved = base.Address - n.base
	}
	var ok bool
	if p.offset, ok = codeAt(file, n.address+moved); !ok {
		return p, fmt.Errorf("there is no code at %#x, where a note has the probe: %w", n.address+moved, os.ErrInvalid)
	}
	if n.counter == 0 {
		return p, nil
	}
	if p.counter, ok = dataAt(file, n.counter+moved); !ok {
		return p, fmt.Errorf("there is no data at %#x, where a note has the counter: %w", n.counter+moved, os.ErrInvalid)
	}
	return p, nil
}

// dataAt is where the data is in the file that will be at an address.
func dataAt(file *executable.File, address uint64) (uint64, bool) {
	return file.FileOffset(address, func(s *executable.Segment) bool { return s.Writable })
}
