package link

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/executable"
	"github.com/bpfgen/bpfgen/internal/files"
)

// ErrNoSymbol is in errors about a function that an executable doesn't have.
var ErrNoSymbol = errors.New("not found")

// Executable is a program or shared library whose functions can be probed. Its
// methods may be called from any goroutine. There is nothing to close.
type Executable struct {
	path      string
	functions func() ([]function, error) // sorted by name; read when first asked for
}

// OpenExecutable finds a program or shared library. A path without a slash that
// isn't in the working directory is looked for where programs are ($PATH), or,
// if it has ".so" in its name, where libraries are ($LD_LIBRARY_PATH and the
// usual folders). It wraps os.ErrNotExist if there is none.
//
// The symbols are read when somebody asks for one.
func OpenExecutable(path string) (*Executable, error) {
	if path == "" {
		return nil, fmt.Errorf("open executable: no path: %w", os.ErrInvalid)
	}
	found, err := findExecutable(path)
	if err != nil {
		return nil, fmt.Errorf("open executable: %w", err)
	}
	return &Executable{
		path:      found,
		functions: sync.OnceValues(func() ([]function, error) { return readFunctions(found) }),
	}, nil
}

// findExecutable is where the file is that a user calls path.
func findExecutable(path string) (string, error) {
	var stat unix.Stat_t
	err := unix.Stat(path, &stat)
	if err != nil {
		err = &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if err == nil || strings.Contains(path, "/") || !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	for _, dir := range executableFolders(path) {
		candidate := strings.TrimRight(dir, "/") + "/" + path
		if dir != "" && unix.Stat(candidate, &stat) == nil && stat.Mode&unix.S_IFMT == unix.S_IFREG {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("%s is neither in the working directory nor where programs and libraries are: %w", path, err)
}

// executableFolders are where what is called name may be.
func executableFolders(name string) []string {
	if !strings.Contains(name, ".so") {
		return append(strings.Split(os.Getenv("PATH"), ":"), "/usr/bin", "/usr/sbin")
	}
	const libraries = "/usr/lib"
	folders := append(strings.Split(os.Getenv("LD_LIBRARY_PATH"), ":"), "/usr/lib64", libraries, "/lib64", "/lib")
	names, _ := files.Names(libraries)
	slices.Sort(names)
	for _, name := range names {
		if strings.HasPrefix(name, multiarchTuple(runtime.GOARCH)+"-linux-gnu") {
			folders = append(folders, libraries+"/"+name)
		}
	}
	return folders
}

// multiarchTuple is what Debian calls a processor in the names of folders.
func multiarchTuple(goarch string) string {
	switch goarch {
	case "386":
		return "i386"
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	case "loong64":
		return "loongarch64"
	case "ppc64le":
		return "powerpc64le"
	}
	return goarch
}

// function is one of an executable.
type function struct {
	name    string
	version string // of a symbol with several
	offset  uint64 // in the file
	size    uint64
	rank    rank
}

// rank is how well a symbol stands for its name.
type rank uint8

// The better, the higher. External is what another file defines.
const (
	rankExternal rank = iota
	rankLocal
	rankOldVersion
	rankWeak
	rankGlobal
)

// readFunctions reads the symbols for people and those for the dynamic linker;
// files may lack either.
func readFunctions(path string) ([]function, error) {
	file, err := executable.Open(path)
	if err != nil {
		return nil, fmt.Errorf("symbols of %s: %w", path, err)
	}
	defer file.Close()
	if file.Type != executable.TypeExecutable && file.Type != executable.TypeShared {
		return nil, fmt.Errorf("%s is neither a program nor a shared library: %w", path, os.ErrInvalid)
	}
	symbols, err := file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("symbols of %s: %w", path, err)
	}
	var functions []function
	for i := range symbols {
		if f, ok := newFunction(file, &symbols[i]); ok {
			functions = append(functions, f)
		}
	}
	slices.SortFunc(functions, func(a, b function) int { return strings.Compare(a.name, b.name) })
	return functions, nil
}

func newFunction(file *executable.File, symbol *executable.Symbol) (function, bool) {
	if symbol.Type != executable.SymbolFunc {
		return function{}, false
	}
	f := function{name: symbol.Name, version: symbol.Version, size: symbol.Size, rank: rankOf(symbol)}
	// What others define has its version in the name in the first table.
	if name, version, ok := strings.Cut(symbol.Name, "@"); ok {
		f.name, f.version = name, strings.TrimPrefix(version, "@")
		if f.rank > rankOldVersion && !strings.HasPrefix(version, "@") {
			f.rank = rankOldVersion
		}
	}
	if f.rank == rankExternal {
		return f, true
	}
	offset, ok := codeAt(file, symbol.Value)
	f.offset = offset
	return f, ok
}

func rankOf(symbol *executable.Symbol) rank {
	switch {
	case symbol.Section == executable.Undefined:
		return rankExternal
	case symbol.Bind == executable.BindLocal:
		return rankLocal
	case symbol.Old:
		return rankOldVersion
	case symbol.Bind == executable.BindWeak:
		return rankWeak
	}
	return rankGlobal
}

// codeAt is where the code is in the file that will be at an address.
func codeAt(file *executable.File, address uint64) (uint64, bool) {
	return file.FileOffset(address, func(s *executable.Segment) bool { return s.Executable })
}

// SymbolOffset is a place in a function.
type SymbolOffset struct {
	Symbol string
	Offset uint64 // in bytes from the beginning of Symbol
}

// Symbol is the function that has the code at address, which is an offset in the
// file, as in UprobeInfo. It wraps ErrNoSymbol if there is none.
func (ex *Executable) Symbol(address uint64) (SymbolOffset, error) {
	functions, err := ex.functions()
	if err != nil {
		return SymbolOffset{}, err
	}
	var best *function
	for i := range functions {
		f := &functions[i]
		if f.rank == rankExternal || address < f.offset || address-f.offset >= f.size {
			continue
		}
		if best == nil || f.offset > best.offset || f.offset == best.offset && f.rank > best.rank {
			best = f
		}
	}
	if best == nil {
		return SymbolOffset{}, fmt.Errorf("symbol at %#x in %s: %w", address, ex.path, ErrNoSymbol)
	}
	return SymbolOffset{Symbol: best.name, Offset: address - best.offset}, nil
}

// address is where to put a probe in the file: offset bytes after address, or if
// that is zero after the beginning of symbol.
func (ex *Executable) address(symbol string, address, offset uint64) (uint64, error) {
	if address != 0 {
		return address + offset, nil
	}
	f, err := ex.lookup(symbol)
	if err != nil {
		return 0, err
	}
	if f.size != 0 && offset >= f.size {
		return 0, fmt.Errorf("offset %d is behind the %d bytes of %s: %w", offset, f.size, symbol, os.ErrInvalid)
	}
	return f.offset + offset, nil
}

// matching are the beginnings of the functions whose names fit a pattern, in
// order and each once.
func (ex *Executable) matching(pattern string) ([]uint64, error) {
	functions, err := ex.functions()
	if err != nil {
		return nil, err
	}
	var offsets []uint64
	for i := range functions {
		if f := &functions[i]; f.rank != rankExternal && matches(pattern, f.name) {
			offsets = append(offsets, f.offset)
		}
	}
	if offsets == nil {
		return nil, fmt.Errorf("functions like %q in %s: %w", pattern, ex.path, ErrNoSymbol)
	}
	slices.Sort(offsets)
	return slices.Compact(offsets), nil
}

// lookup finds a function by its name, which may end in a version: "f@V1".
func (ex *Executable) lookup(symbol string) (function, error) {
	functions, err := ex.functions()
	if err != nil {
		return function{}, err
	}
	name, version, versioned := strings.Cut(symbol, "@")
	version = strings.TrimPrefix(version, "@")
	first, _ := slices.BinarySearchFunc(functions, name, func(f function, name string) int {
		return strings.Compare(f.name, name)
	})
	var best, rival *function
	for i := first; i < len(functions) && functions[i].name == name; i++ {
		f := &functions[i]
		switch {
		case versioned && f.version != version:
		case best == nil || f.rank > best.rank:
			best, rival = f, nil
		case f.rank == best.rank && f.offset != best.offset:
			rival = f
		}
	}
	switch {
	case best == nil:
		return function{}, fmt.Errorf("function %q in %s: %w", symbol, ex.path, ErrNoSymbol)
	case best.rank == rankExternal:
		return function{}, fmt.Errorf("function %q is not in %s but in a shared library that it uses, to be opened instead: %w", symbol, ex.path, ErrNotSupported)
	case rival != nil:
		return function{}, fmt.Errorf("several functions in %s are called %q, at %#x and %#x: choose by Address, or by version if they have any: %w",
			ex.path, symbol, best.offset, rival.offset, os.ErrInvalid)
	}
	return *best, nil
}
