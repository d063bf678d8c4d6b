package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/bpfgen/bpfgen/internal/files"
)

// kallsyms lists all symbols of the kernel, of its modules and of BPF programs.
const kallsyms = "/proc/kallsyms"

// ErrSymbolsHidden is in errors about a kernel that shows no addresses.
var ErrSymbolsHidden = errors.New("the kernel hides the addresses of its symbols from this process: grant it CAP_SYSLOG, or set kernel.kptr_restrict to 0")

// Symbol is what is known about a name in the kernel.
type Symbol struct {
	Addr  uint64
	Found bool
	// Other is the address of another symbol of the same name, if there is one.
	Other uint64
}

// FindSymbols looks names up among the kernel's symbols. The i-th result is
// about the i-th name. It reads megabytes that the kernel makes up on the spot:
// ask for all names at once.
func FindSymbols(names []string) ([]Symbol, error) {
	f, err := OpenFile(kallsyms, os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("symbols of the kernel: %w", err)
	}
	defer f.Close()
	found, err := findSymbols(f, names)
	if err != nil {
		return nil, fmt.Errorf("symbols of the kernel: %w", err)
	}
	return found, nil
}

func findSymbols(r io.Reader, names []string) ([]Symbol, error) {
	found := make([]Symbol, len(names))
	index := make(map[string]int, len(names))
	for i, name := range names {
		index[name] = i
	}
	hidden := true
	err := eachSymbol(r, func(addr uint64, typ byte, name []byte) bool {
		hidden = hidden && addr == 0
		i, wanted := index[string(unmangle(typ, name))]
		if !wanted {
			return true
		}
		switch s := &found[i]; {
		case !s.Found:
			*s = Symbol{Addr: addr, Found: true}
		case addr != s.Addr:
			s.Other = addr
		}
		return true
	})
	if err == nil && hidden {
		err = ErrSymbolsHidden
	}
	return found, err
}

// SymbolNames are the names of all symbols of the kernel, and none if it doesn't
// show them. Functions are those of a type that code has in nm: "tTwW".
func SymbolNames(types string) iter.Seq[string] {
	return func(yield func(string) bool) {
		f, err := OpenFile(kallsyms, os.O_RDONLY)
		if err != nil {
			return
		}
		defer f.Close()
		_ = eachSymbol(f, func(_ uint64, typ byte, name []byte) bool {
			return strings.IndexByte(types, typ) < 0 || yield(string(name))
		})
	}
}

// unmangle removes what link-time optimisation adds to names of static
// variables.
func unmangle(typ byte, name []byte) []byte {
	if typ == 'd' {
		name = withoutHash(name)
	}
	return name
}

// withoutHash removes .llvm. and what follows.
func withoutHash(name []byte) []byte {
	for at := range name {
		if name[at] == '.' && bytes.HasPrefix(name[at:], []byte(".llvm.")) {
			return name[:at]
		}
	}
	return name
}

// eachSymbol calls f with each line's address, type (as nm has it) and name,
// which is valid until f returns, as long as f returns true.
func eachSymbol(r io.Reader, f func(addr uint64, typ byte, name []byte) bool) error {
	return eachLine(r, func(line []byte) (more bool, err error) {
		addr, rest, ok := parseHex(line)
		if !ok || len(rest) < len(" t n") || rest[0] != ' ' || rest[2] != ' ' {
			return false, fmt.Errorf("malformed line %.100q in %s", line, kallsyms)
		}
		return f(addr, rest[1], symbolName(rest[3:])), nil
	})
}

// eachLine calls f with each line, which is valid until f returns, as long as f
// returns true.
func eachLine(r io.Reader, f func(line []byte) (more bool, err error)) error {
	lines := files.NewLines(r, 64<<10)
	for lines.Next() {
		if more, err := f(lines.Line()); err != nil || !more {
			return err
		}
	}
	return lines.Err()
}

// symbolName is a name without what follows: the module that has it.
func symbolName(rest []byte) []byte {
	for i, c := range rest {
		if c == '\t' || c == ' ' || c == '\n' {
			return rest[:i]
		}
	}
	return rest
}

// parseHex reads the hexadecimal number that line begins with.
func parseHex(line []byte) (n uint64, rest []byte, ok bool) {
	i := 0
	for ; i < len(line); i++ {
		var digit byte
		switch c := line[i]; {
		case '0' <= c && c <= '9':
			digit = c - '0'
		case 'a' <= c && c <= 'f':
			digit = c - 'a' + 10
		default:
			return n, line[i:], 0 < i && i <= 16
		}
		n = n<<4 | uint64(digit)
	}
	return n, nil, false
}
