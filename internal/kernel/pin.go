package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Pinned is where an object is pinned, as far as this process did it. The zero
// value is nowhere.
type Pinned struct {
	mu   sync.Mutex
	path string
}

// Loaded is for an object that was opened by its pin.
func (p *Pinned) Loaded(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.path = path
}

// Pin gives the object behind fd a name in a BPF file system, or moves the name
// that it has there already.
func (p *Pinned) Pin(fd *FD, path string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case path == "":
		return fmt.Errorf("no path: %w", os.ErrInvalid)
	case fd.Closed():
		return ErrClosed
	case p.path == path:
		return nil
	case p.path == "" || gone(p.path):
		if err := ObjPin(fd, path); err != nil {
			return explainPin(path, err)
		}
	default:
		err := rename(p.path, path)
		if err != nil {
			return fmt.Errorf("move the pin from %s: %w", p.path, err)
		}
	}
	p.path = path
	return nil
}

func gone(path string) bool {
	var stat unix.Stat_t
	return errors.Is(unix.Lstat(path, &stat), fs.ErrNotExist)
}

// explainPin adds what to do to why something can't be pinned.
func explainPin(path string, err error) error {
	dir := folderOf(path)
	var stat unix.Statfs_t
	if errDir := statfs(dir, &stat); errDir != nil {
		return fmt.Errorf("%w: directory %s: %w", err, dir, errDir)
	}
	if uint32(stat.Type) != unix.BPF_FS_MAGIC {
		return fmt.Errorf("%w: %s isn't in a BPF file system: mount one (mount -t bpf bpf /sys/fs/bpf)", err, dir)
	}
	return ExplainPermission(err, CapBPF)
}

// folderOf is where the last name of a path is.
func folderOf(path string) string {
	switch slash := strings.LastIndexByte(path, '/'); slash {
	case -1:
		return "."
	case 0:
		return "/"
	default:
		return path[:slash]
	}
}

// Unpin removes the name, if there is one.
func (p *Pinned) Unpin() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.path == "" {
		return nil
	}
	if err := remove(p.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	p.path = ""
	return nil
}

// Is tells whether the object has a name.
func (p *Pinned) Is() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.path != ""
}
