package elf

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

const magic = "\x7fELF"

// formats are files that end up where a BPF object was meant to, with what to
// do about each.
var formats = []struct{ magic, what string }{
	{"!<arch>\n__.PKGDEF", "a Go package archive, not a BPF object"},
	{"!<arch>\n", "an ar archive, not an object: extract the member first"},
	{"!<thin>\n", "a thin ar archive, not an object: use the member it names"},
	{"go object ", "a Go object, not a BPF object"},
	{"BC\xc0\xde", "LLVM bitcode, not an object: compile with -c, without -emit-llvm or -flto"},
	{"\xde\xc0\x17\x0b", "LLVM bitcode, not an object: compile with -c, without -emit-llvm or -flto"},
	{"\x9f\xeb\x01", "bare BTF, not an object"},
	{"\xeb\x9f\x01", "bare BTF, not an object"},
	{"\xcf\xfa\xed\xfe", "a Mach-O file, not ELF: compile with clang -target bpf"},
	{"\xca\xfe\xba\xbe", "a Mach-O or Java file, not ELF: compile with clang -target bpf"},
	{"MZ", "a Windows executable, not ELF: compile with clang -target bpf"},
	{"\x00asm", "WebAssembly, not ELF: compile with clang -target bpf"},
	{"\x1f\x8b", "compressed by gzip, not an object"},
	{"\x28\xb5\x2f\xfd", "compressed by zstd, not an object"},
}

// named is a number with a name. Maps of them would be made at every start.
type named []struct {
	n    uint16
	name string
}

func (list named) name(n uint16) string {
	for i := range list {
		if list[i].n == n {
			return list[i].name
		}
	}
	return ""
}

// machines names what a compiler without -target bpf produces.
var machines = named{
	{3, "x86"}, {8, "MIPS"}, {20, "PowerPC"}, {21, "PowerPC 64"}, {22, "S390"}, {40, "Arm"},
	{62, "x86-64"}, {183, "AArch64"}, {243, "RISC-V"}, {258, "LoongArch"},
}

var types = named{
	{ET_NONE, "no type"}, {ET_EXEC, "an executable"}, {ET_DYN, "a shared object"}, {ET_CORE, "a core dump"},
}

// checkMagic returns an error unless data starts like an ELF64 file.
func checkMagic(data []byte) error {
	if len(data) == 0 {
		return foreign("the file is empty")
	}
	if !bytes.HasPrefix(data, []byte(magic)) {
		for _, f := range formats {
			if bytes.HasPrefix(data, []byte(f.magic)) {
				return foreign("the file is %s", f.what)
			}
		}
		if isText(data) {
			return foreign("the file is text, not an object: compile it first")
		}
		return foreign("the file is not ELF: it starts with % x", data[:min(len(data), 4)])
	}
	if len(data) > 4 && data[4] == 1 {
		return foreign("the file is 32-bit ELF, BPF objects are 64-bit: compile with clang -target bpf")
	}
	return nil
}

// isText looks at the beginning of data only.
func isText(data []byte) bool {
	data = data[:min(len(data), 512)]
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && len(data) >= utf8.UTFMax {
			return false
		}
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return false
		}
		data = data[n:]
	}
	return true
}

// CheckBPF returns an error unless f is a relocatable BPF object. Objects of
// old compilers, which knew no number for BPF, pass.
func (f *File) CheckBPF() error {
	if f.Machine != EM_BPF && f.Machine != EM_NONE {
		name := machines.name(f.Machine)
		if name == "" {
			name = fmt.Sprintf("machine %d", f.Machine)
		}
		return foreign("the file is for %s, not for BPF: compile with clang -target bpf", name)
	}
	if f.Type != ET_REL {
		name := types.name(f.Type)
		if name == "" {
			name = fmt.Sprintf("of type %d", f.Type)
		}
		return foreign("the file is %s, not a relocatable object: compile with -c", name)
	}
	return nil
}
