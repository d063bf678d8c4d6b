package kernel

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
)

// Files of tracefs with the functions that can be traced, by name. The first
// has their addresses as well (Linux 6.5).
const (
	functionAddresses = "available_filter_functions_addrs"
	functionNames     = "available_filter_functions"
)

func errNoTracing() error {
	return fmt.Errorf("no %s in tracefs: this kernel can't trace functions (CONFIG_DYNAMIC_FTRACE): %w", functionNames, errors.ErrUnsupported)
}

// TraceableFunctions are the addresses, in order and each once, of the functions
// in the kernel and its modules that can be traced and have a name that match
// likes. A name is valid until match returns.
//
// It fails with errors.ErrUnsupported if the kernel can't trace functions, and
// with ErrSymbolsHidden if addresses are hidden from this process.
func TraceableFunctions(match func(name []byte) bool) ([]uintptr, error) {
	fsys, err := OpenTracefs()
	if err != nil {
		return nil, err
	}
	defer fsys.Close()
	addrs, err := functionsIn(path.Join(fsys.Root, functionAddresses), func(f io.Reader) ([]uintptr, error) {
		return readFunctionAddresses(f, match)
	})
	if errors.Is(err, fs.ErrNotExist) {
		addrs, err = functionsIn(path.Join(fsys.Root, functionNames), func(f io.Reader) ([]uintptr, error) {
			return addressesOfFunctions(f, match)
		})
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoTracing()
	}
	slices.Sort(addrs)
	return slices.Compact(addrs), err
}

// TraceableNames are the names of the functions that TraceableFunctions has the
// addresses of.
func TraceableNames(match func(name []byte) bool) (map[string]bool, error) {
	fsys, err := OpenTracefs()
	if err != nil {
		return nil, err
	}
	defer fsys.Close()
	names, err := functionsIn(path.Join(fsys.Root, functionNames), func(f io.Reader) (map[string]bool, error) {
		return readFunctionNames(f, match)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoTracing()
	}
	return names, err
}

func functionsIn[T any](path string, read func(io.Reader) (T, error)) (T, error) {
	f, err := os.Open(path)
	if err != nil {
		return *new(T), ExplainPermission(err, CapSysAdmin)
	}
	defer f.Close()
	return read(f)
}

// readFunctionAddresses reads lines like "ffffffff81000000 name [module]".
func readFunctionAddresses(r io.Reader, match func([]byte) bool) ([]uintptr, error) {
	var addrs []uintptr
	hidden := true
	err := eachLine(r, func(line []byte) (bool, error) {
		addr, rest, ok := parseHex(line)
		if !ok || len(rest) < len(" n") {
			return false, fmt.Errorf("malformed line %.100q in %s", line, functionAddresses)
		}
		hidden = hidden && addr == 0
		if match(symbolName(rest[1:])) {
			addrs = append(addrs, uintptr(addr))
		}
		return true, nil
	})
	if err == nil && hidden {
		err = ErrSymbolsHidden
	}
	return addrs, err
}

// readFunctionNames reads lines like "name [module]".
func readFunctionNames(r io.Reader, match func([]byte) bool) (map[string]bool, error) {
	names := make(map[string]bool)
	err := eachLine(r, func(line []byte) (bool, error) {
		if name := symbolName(line); match(name) {
			names[string(name)] = true
		}
		return true, nil
	})
	return names, err
}

// addressesOfFunctions looks names up among all symbols.
func addressesOfFunctions(r io.Reader, match func([]byte) bool) ([]uintptr, error) {
	names, err := readFunctionNames(r, match)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	return functionsIn(kallsyms, func(symbols io.Reader) ([]uintptr, error) { return addressesOf(symbols, names) })
}

// addressesOf are those of all functions that have one of the names.
func addressesOf(symbols io.Reader, names map[string]bool) ([]uintptr, error) {
	var addrs []uintptr
	hidden := true
	err := eachSymbol(symbols, func(addr uint64, typ byte, name []byte) bool {
		hidden = hidden && addr == 0
		// Link-time optimisation adds to names what some kernels don't show in
		// tracefs.
		plain := withoutHash(name)
		if isCode := typ|0x20 == 't' || typ|0x20 == 'w'; isCode && (names[string(name)] || names[string(plain)]) {
			addrs = append(addrs, uintptr(addr))
		}
		return true
	})
	if err == nil && hidden {
		err = ErrSymbolsHidden
	}
	return addrs, err
}
