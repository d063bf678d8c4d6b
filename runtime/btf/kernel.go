package btf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/fault"
	"github.com/bpfgen/bpfgen/internal/files"
	"github.com/bpfgen/bpfgen/internal/sorting"
)

// kernelDir is where the kernel shows its types, those of modules included.
const kernelDir = "/sys/kernel/btf"

// LoadKernelSpec returns the types of the running kernel. It maps them into
// memory where the kernel allows it (6.16) and reads them where not.
//
// Returns an error wrapping [ErrNotSupported] if the kernel was built without
// BTF. Consider using a [Cache] if several parts of a program need the types.
func LoadKernelSpec() (*Spec, error) {
	s, err := loadKernelFile("vmlinux", nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("kernel BTF: %w: %w: the kernel needs CONFIG_DEBUG_INFO_BTF=y", err, ErrNotSupported)
	}
	return s, err
}

// LoadKernelModuleSpec returns the types of a kernel module, on top of those of
// the kernel. See [Cache.Module] for more than one module.
//
// Returns an error wrapping [ErrNotSupported] if the kernel was built without
// BTF, and one wrapping fs.ErrNotExist if the module isn't loaded or has none.
func LoadKernelModuleSpec(module string) (*Spec, error) { return NewCache().Module(module) }

func loadKernelFile(name string, base *Spec) (*Spec, error) {
	raw, err := openRaw(kernelDir+"/"+name, base.Records())
	if err != nil {
		return nil, fmt.Errorf("kernel BTF %s: %w", name, err)
	}
	return NewSpec(raw, base), nil
}

// openRaw maps a file from sysfs, or reads it.
func openRaw(path string, base *rawbtf.BTF) (*rawbtf.BTF, error) {
	if err := fault.At("open"); err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > 0 && size == int64(int(size)) {
		blob, err := mapFile(f, int(size))
		if err == nil {
			return rawbtf.ParseMapped(blob, base, func(blob []byte) { _ = syscall.Munmap(blob) })
		}
	}
	blob := make([]byte, max(size, 0))
	n, err := io.ReadFull(f, blob)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	return rawbtf.Parse(blob[:n], base)
}

func mapFile(f *files.File, size int) ([]byte, error) {
	if err := fault.At("mmap"); err != nil {
		return nil, err
	}
	return syscall.Mmap(f.FD(), 0, size, syscall.PROT_READ, syscall.MAP_PRIVATE)
}

// Cache opens the types of the kernel and of each module once, for all who
// share it. It is safe for concurrent use. Types from it must not be modified.
type Cache struct {
	mu      sync.Mutex
	kernel  *Spec
	modules map[string]*Spec
}

// NewCache returns an empty Cache.
func NewCache() *Cache { return &Cache{} }

// Kernel is [LoadKernelSpec], except that it returns the same Spec each time.
func (c *Cache) Kernel() (*Spec, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lockedKernel()
}

func (c *Cache) lockedKernel() (*Spec, error) {
	if c.kernel == nil {
		s, err := LoadKernelSpec()
		if err != nil {
			return nil, err
		}
		c.kernel = s
	}
	return c.kernel, nil
}

// Module is [LoadKernelModuleSpec], except that it returns the same Spec each
// time. All modules share the result of Kernel as their base.
func (c *Cache) Module(name string) (*Spec, error) {
	if name == "vmlinux" || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("kernel BTF: %q is not the name of a module", name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.modules[name]; ok {
		return s, nil
	}
	base, err := c.lockedKernel()
	if err != nil {
		return nil, err
	}
	s, err := loadKernelFile(name, base)
	if err != nil {
		return nil, err
	}
	if c.modules == nil {
		c.modules = make(map[string]*Spec)
	}
	c.modules[name] = s
	return s, nil
}

// Modules returns the sorted names of all loaded modules that have types.
func (c *Cache) Modules() ([]string, error) {
	names, err := files.Names(kernelDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("kernel BTF: %w: %w: the kernel needs CONFIG_DEBUG_INFO_BTF=y", err, ErrNotSupported)
	}
	if err != nil {
		return nil, fmt.Errorf("kernel BTF: %w", err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "vmlinux" })
	sorting.Strings(names)
	return names, nil
}
