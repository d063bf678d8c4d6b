package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bpfgen/bpfgen/internal/elf"
)

// kernelTypes are the types of a kernel, which are in the file types-KB.btf.
type kernelTypes struct {
	name string
	kb   int
}

// kernels finds kernels whose types can be measured, in order of their size: the
// running one, and those that the tests in virtual machines keep. The remark, for
// the report, names what isn't there.
func (l *lab) kernels() ([]kernelTypes, string, error) {
	var all []kernelTypes
	add := func(name string, blob []byte) error {
		k := kernelTypes{name, len(blob) / 1000}
		all = append(all, k)
		return os.WriteFile(l.path(fmt.Sprintf("types-%d.btf", k.kb)), blob, 0o644)
	}
	blob, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		return nil, "", err
	}
	if err := add("here", blob); err != nil {
		return nil, "", err
	}
	var missing []string
	for _, name := range []string{"6.1", "6.12", "newest"} {
		blob, version, err := keptKernel(name)
		if err != nil {
			missing = append(missing, fmt.Sprintf("%s (%v)", name, err))
			continue
		}
		if err := add(version, blob); err != nil {
			return nil, "", err
		}
	}
	slices.SortFunc(all, func(a, b kernelTypes) int { return cmp.Compare(a.kb, b.kb) })
	if len(missing) == 0 {
		return all, "", nil
	}
	return all, "Kernels whose types weren't there to be measured, see benchmarks/README.md: " + strings.Join(missing, "; ") + ".\n\n", nil
}

var errNoKernel = errors.New("not kept on this machine")

// keptKernel is the BTF of a kernel that internal/cmd/vmtest has fetched.
func keptKernel(name string) (blob []byte, version string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, "", err
	}
	dir := filepath.Join(cache, "bpfgen-vmtest", "kernels", "amd64-"+name)
	images, _ := filepath.Glob(filepath.Join(dir, "boot", "vmlinuz-*"))
	more, _ := filepath.Glob(filepath.Join(dir, "usr/lib/modules/*/vmlinuz"))
	if images = append(images, more...); len(images) == 0 {
		return nil, "", errNoKernel
	}
	image, err := os.ReadFile(images[0])
	if err != nil {
		return nil, "", err
	}
	vmlinux, err := unpackKernel(image)
	if err != nil {
		return nil, "", err
	}
	file, err := elf.Parse(vmlinux)
	if err != nil {
		return nil, "", err
	}
	section := file.Section(".BTF")
	if section == nil {
		return nil, "", errors.New("it has no BTF")
	}
	blob, err = file.Data(section)
	return blob, regexp.MustCompile(`[0-9]+\.[0-9]+`).FindString(strings.TrimPrefix(images[0], dir)), err
}

// unpackKernel takes the ELF file out of a bzImage, as the x86 boot protocol says
// where it is.
func unpackKernel(image []byte) ([]byte, error) {
	const sectors, payload, length = 0x1f1, 0x248, 0x24c
	if len(image) < 0x250 {
		return nil, errors.New("no bzImage")
	}
	u32 := binary.LittleEndian.Uint32
	start := (uint64(image[sectors])+1)*512 + uint64(u32(image[payload:]))
	end := start + uint64(u32(image[length:]))
	if end > uint64(len(image)) || end < start+8 {
		return nil, errors.New("no bzImage")
	}
	packed := image[start : end-4] // the size behind it is none of the tool's business
	for magic, tool := range map[string]string{"\x28\xb5\x2f\xfd": "zstd", "\xfd7zXZ": "xz", "\x1f\x8b": "gzip", "\x02\x21\x4c\x18": "lz4"} {
		if !strings.HasPrefix(string(packed), magic) {
			continue
		}
		cmd := exec.Command(tool, "-dc")
		cmd.Stdin = bytes.NewReader(packed)
		vmlinux, err := cmd.Output()
		if len(vmlinux) > 0 { // xz also complains of what the kernel build adds
			return vmlinux, nil
		}
		return nil, fmt.Errorf("%s: %w", tool, err)
	}
	return nil, errors.New("compressed in an unknown way")
}
