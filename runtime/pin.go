package ebpf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// LoadPinOptions say how to open a pinned object.
type LoadPinOptions struct {
	// ReadOnly and WriteOnly restrict what can be done with a map, to one of
	// reading and writing. Default is both. Needs 4.15.
	ReadOnly  bool
	WriteOnly bool
	// Flags are those of BPF_OBJ_GET. The fields above win.
	Flags uint32
}

// Marshal is what BPF_OBJ_GET takes as its flags.
func (lpo *LoadPinOptions) Marshal() uint32 {
	if lpo == nil {
		return 0
	}
	flags := lpo.Flags
	if lpo.ReadOnly {
		flags |= uapi.MapFlagRdonly
	}
	if lpo.WriteOnly {
		flags |= uapi.MapFlagWronly
	}
	return flags
}

// pinned is where an object is pinned, as far as this process did it.
type pinned struct {
	mu   sync.Mutex
	path string
}

// at pins fd to path, or moves its pin there.
func (p *pinned) at(fd *kernel.FD, path string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if path == "" {
		return errors.New("no path")
	}
	if p.path == path {
		return nil
	}
	if fd.Closed() {
		return ErrClosed
	}
	if p.path == "" || gone(p.path) {
		if err := kernel.ObjPin(fd, path); err != nil {
			return explainPin(path, err)
		}
	} else if err := unix.Renameat2(unix.AT_FDCWD, p.path, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE); err != nil {
		return fmt.Errorf("move the pin from %s: %w", p.path, err)
	}
	p.path = path
	return nil
}

func gone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// explainPin adds what to do to why something can't be pinned.
func explainPin(path string, err error) error {
	var stat unix.Statfs_t
	dir := filepath.Dir(path)
	if statErr := unix.Statfs(dir, &stat); statErr != nil {
		return fmt.Errorf("%w: directory %s: %w", err, dir, statErr)
	}
	if stat.Type != unix.BPF_FS_MAGIC {
		return fmt.Errorf("%w: %s is not on a BPF file system: mount one (mount -t bpf bpf /sys/fs/bpf)", err, dir)
	}
	return kernel.ExplainPermission(err, kernel.CapBPF)
}

// remove takes the pin away.
func (p *pinned) remove() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.path == "" {
		return nil
	}
	if err := os.Remove(p.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	p.path = ""
	return nil
}

func (p *pinned) is() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.path != ""
}

// Pin gives the map a name in a BPF file system, which keeps it after the end of
// this process. Pinning again moves the name, unless the new one is taken.
// Needs 4.4.
func (m *Map) Pin(fileName string) error {
	if err := m.pin.at(m.fd, fileName); err != nil {
		return fmt.Errorf("pin map %q to %s: %w", m.name, fileName, err)
	}
	return nil
}

// Unpin removes the name that Pin gave. An unpinned map stays as it is.
func (m *Map) Unpin() error {
	if err := m.pin.remove(); err != nil {
		return fmt.Errorf("unpin map %q: %w", m.name, err)
	}
	return nil
}

// IsPinned tells whether the map has a name by Pin or LoadPinnedMap.
func (m *Map) IsPinned() bool { return m.pin.is() }

// Pin gives the program a name in a BPF file system, which keeps it after the
// end of this process. Pinning again moves the name, unless the new one is
// taken. Needs 4.4.
func (p *Program) Pin(fileName string) error {
	if err := p.pin.at(p.fd, fileName); err != nil {
		return fmt.Errorf("pin program %q to %s: %w", p.name, fileName, err)
	}
	return nil
}

// Unpin removes the name that Pin gave. An unpinned program stays as it is.
func (p *Program) Unpin() error {
	if err := p.pin.remove(); err != nil {
		return fmt.Errorf("unpin program %q: %w", p.name, err)
	}
	return nil
}

// IsPinned tells whether the program has a name by Pin or LoadPinnedProgram.
func (p *Program) IsPinned() bool { return p.pin.is() }

// LoadPinnedMap opens a map by its name in a BPF file system. opts may be nil.
// Needs 4.5.
func LoadPinnedMap(fileName string, opts *LoadPinOptions) (*Map, error) {
	fd, err := openPin(fileName, opts, "bpf-map")
	if err != nil {
		return nil, fmt.Errorf("pinned map %s: %w", fileName, err)
	}
	m, err := mapFromFD(fd)
	if err != nil {
		return nil, fmt.Errorf("pinned map %s: %w", fileName, err)
	}
	m.pin.path = fileName
	return m, nil
}

// LoadPinnedProgram opens a program by its name in a BPF file system. opts may
// be nil. Needs 4.11.
func LoadPinnedProgram(fileName string, opts *LoadPinOptions) (*Program, error) {
	fd, err := openPin(fileName, opts, "bpf-prog")
	if err != nil {
		return nil, fmt.Errorf("pinned program %s: %w", fileName, err)
	}
	p, err := programFromFD(fd)
	if err != nil {
		return nil, fmt.Errorf("pinned program %s: %w", fileName, err)
	}
	p.pin.path = fileName
	return p, nil
}

// openPin opens a pin that must be of a kind.
func openPin(path string, opts *LoadPinOptions, kind string) (*kernel.FD, error) {
	fd, err := kernel.ObjGet(path, opts.Marshal())
	if err != nil {
		return nil, kernel.ExplainPermission(err)
	}
	is, err := kindOf(fd)
	if err == nil && is != kind {
		err = fmt.Errorf("it is a %s, not a %s", is, kind)
	}
	if err != nil {
		fd.Close()
		return nil, err
	}
	return fd, nil
}

// kindOf is what the kernel calls the object behind fd: "bpf-map", "bpf-prog"
// or "bpf_link".
func kindOf(fd *kernel.FD) (string, error) {
	raw, err := fd.Acquire()
	if err != nil {
		return "", err
	}
	defer fd.Release()
	link, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(raw))
	if err != nil {
		return "", err
	}
	return strings.Trim(strings.TrimPrefix(link, "anon_inode:"), "[]"), nil
}
