package btf

import (
	"bytes"
	"fmt"
	"io"
	"math"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/files"
)

// LoadSpec reads the types from a file, see [LoadSpecFromReader].
func LoadSpec(file string) (*Spec, error) { return LoadSplitSpec(file, nil) }

// LoadSpecFromReader reads the types from an ELF file or a raw BTF blob.
//
// Returns an error wrapping [ErrNotFound] for an ELF file without BTF.
func LoadSpecFromReader(rd io.ReaderAt) (*Spec, error) { return LoadSplitSpecFromReader(rd, nil) }

// LoadSplitSpec is [LoadSpec] for types that refer to those of base. The
// result has only the types from the file. If the file has a distilled base
// (section .BTF.base), base may be another one, with other IDs.
func LoadSplitSpec(file string, base *Spec) (*Spec, error) {
	blob, err := files.Read(file)
	if err != nil {
		return nil, err
	}
	spec, _, err := load(blob, base)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return spec, nil
}

// LoadSplitSpecFromReader is [LoadSpecFromReader] for types that refer to those
// of base. The result has only the types from the reader.
func LoadSplitSpecFromReader(rd io.ReaderAt, base *Spec) (*Spec, error) {
	blob, err := io.ReadAll(io.NewSectionReader(rd, 0, math.MaxInt64))
	if err != nil {
		return nil, fmt.Errorf("read BTF: %w", err)
	}
	spec, _, err := load(blob, base)
	return spec, err
}

// LoadSpecAndExtInfosFromReader reads the types from an ELF file along with
// what it says about instructions. The latter is nil if it says nothing.
//
// Returns an error wrapping [ErrNotFound] for an ELF file without BTF.
func LoadSpecAndExtInfosFromReader(rd io.ReaderAt) (*Spec, *ExtInfos, error) {
	blob, err := io.ReadAll(io.NewSectionReader(rd, 0, math.MaxInt64))
	if err != nil {
		return nil, nil, fmt.Errorf("read BTF: %w", err)
	}
	spec, ext, err := load(blob, nil)
	if err != nil || ext == nil {
		return spec, nil, err
	}
	infos, err := LoadExtInfos(ext, spec)
	if err != nil {
		return nil, nil, err
	}
	return spec, infos, nil
}

// load reads an ELF file or a raw BTF blob. ext is the .BTF.ext section or nil.
func load(blob []byte, base *Spec) (spec *Spec, ext []byte, err error) {
	if !bytes.HasPrefix(blob, []byte("\x7fELF")) {
		spec, err = LoadSplitSpecFromBytes(blob, base)
		return spec, nil, err
	}
	file, err := elf.Parse(blob)
	if err != nil {
		return nil, nil, err
	}
	section := func(name string) ([]byte, error) {
		s := file.Section(name)
		if s == nil {
			return nil, fmt.Errorf("section %s: %w", name, ErrNotFound)
		}
		return file.Data(s)
	}
	types, err := section(".BTF")
	if err != nil {
		return nil, nil, err
	}
	var distilled []byte
	if file.Section(distilledBase) != nil {
		if distilled, err = section(distilledBase); err != nil {
			return nil, nil, err
		}
	}
	if spec, err = loadDistilled(types, distilled, base); err != nil {
		return nil, nil, err
	}
	if file.Section(".BTF.ext") != nil {
		ext, err = section(".BTF.ext")
	}
	return spec, ext, err
}

// distilledBase is the section with what kernel modules know of the kernel's
// types if they were built apart from it: names and sizes.
const distilledBase = ".BTF.base"

// loadDistilled reads types that continue a distilled base, if there is one. The
// result continues base, unless that is nil.
func loadDistilled(types, distilled []byte, base *Spec) (*Spec, error) {
	if len(distilled) == 0 {
		return LoadSplitSpecFromBytes(types, base)
	}
	little, err := LoadSpecFromBytes(distilled)
	if err != nil {
		return nil, fmt.Errorf("section %s: %w", distilledBase, err)
	}
	spec, err := LoadSplitSpecFromBytes(types, little)
	if err != nil || base == nil {
		return spec, err
	}
	blob, err := rawbtf.Rebase(spec.Records(), base.Records())
	if err != nil {
		return nil, err
	}
	return LoadSplitSpecFromBytes(blob, base)
}
