// Package pin works with BPF objects of any kind that are pinned: that have a
// name in a BPF file system.
package pin

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"

	"github.com/bpfgen/bpfgen/internal/kernel"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/link"
)

// Pinner is what maps, programs and links have in common.
type Pinner interface {
	io.Closer
	Pin(string) error
}

// Load opens what is pinned at path: a *ebpf.Map, a *ebpf.Program or a
// link.Link. opts may be nil. The caller has to close it.
func Load(path string, opts *ebpf.LoadPinOptions) (Pinner, error) {
	kind, err := kindAt(path, opts)
	if err != nil {
		return nil, fmt.Errorf("pin %s: %w", path, err)
	}
	switch kind {
	case kernel.KindMap:
		return ebpf.LoadPinnedMap(path, opts)
	case kernel.KindProg:
		return ebpf.LoadPinnedProgram(path, opts)
	case kernel.KindLink:
		return link.LoadPinnedLink(path, opts)
	}
	return nil, fmt.Errorf("pin %s: it is a %s: %w", path, kind, ebpf.ErrNotSupported)
}

func kindAt(path string, opts *ebpf.LoadPinOptions) (string, error) {
	fd, err := kernel.ObjGet(path, opts.Marshal())
	if err != nil {
		return "", kernel.ExplainPermission(err)
	}
	defer fd.Close()
	return kernel.Kind(fd)
}

// Pin is an object and where it is pinned.
type Pin struct {
	Path   string
	Object io.Closer
}

// Take makes the caller the owner of Object, who has to close it.
func (p *Pin) Take() { p.Object = nil }

// WalkDir visits all objects that are pinned in root and below, in the order of
// their paths. Each is closed after its turn, unless it is taken (Pin.Take).
// Objects that can't be opened, and folders that can't be read, are errors, after
// which the walk goes on; objects that are gone by then are not. opts may be nil.
func WalkDir(root string, opts *ebpf.LoadPinOptions) iter.Seq2[*Pin, error] {
	return func(yield func(*Pin, error) bool) {
		_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				return nil
			}
			if !visit(path, opts, err, yield) {
				return fs.SkipAll
			}
			return nil
		})
	}
}

// visit shows one object, and tells whether the walk goes on.
func visit(path string, opts *ebpf.LoadPinOptions, err error, yield func(*Pin, error) bool) bool {
	if err != nil {
		return yield(nil, fmt.Errorf("pins in %s: %w", path, err))
	}
	obj, err := Load(path, opts)
	if errors.Is(err, fs.ErrNotExist) {
		return true // gone since, or a name that the kernel keeps for itself
	}
	if err != nil {
		return yield(nil, err)
	}
	p := &Pin{Path: path, Object: obj}
	goOn := yield(p, nil)
	if p.Object != nil {
		err = p.Object.Close()
	}
	if goOn && err != nil && !errors.Is(err, ebpf.ErrClosed) {
		return yield(nil, fmt.Errorf("close %s: %w", path, err))
	}
	return goOn
}
