package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Tracefs is the file system that describes tracepoints and makes probes.
type Tracefs struct {
	// Root is the folder to find it in, until Close.
	Root  string
	mount *FD // nil if others have mounted it
}

// OpenTracefs finds where tracefs is mounted. If it isn't, it gets a mount of
// its own, which nobody else sees and which goes with Close (Linux 5.2).
func OpenTracefs() (*Tracefs, error) {
	for _, root := range [...]string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		var stat unix.Statfs_t
		if statfs(root, &stat) == nil && stat.Type == unix.TRACEFS_MAGIC {
			return &Tracefs{Root: root}, nil
		}
	}
	mount, err := mountDetached("tracefs")
	if err != nil {
		err = ExplainPermission(err, CapSysAdmin)
		return nil, fmt.Errorf("tracefs is not mounted (mount -t tracefs tracefs /sys/kernel/tracing): %w", err)
	}
	return &Tracefs{Root: "/proc/self/fd/" + strconv.Itoa(mount.Int()), mount: mount}, nil
}

// mountDetached mounts a file system without a place in the tree of files.
func mountDetached(fsType string) (*FD, error) {
	context, err := fsopen(fsType)
	if err != nil {
		return nil, os.NewSyscallError("fsopen", err)
	}
	defer closeFD(context)
	if err := fsconfigCreate(context); err != nil {
		return nil, os.NewSyscallError("fsconfig", err)
	}
	mount, err := fsmount(context)
	if err != nil {
		return nil, os.NewSyscallError("fsmount", err)
	}
	return ownFD(mount)
}

// Close ends the use of Root.
func (t *Tracefs) Close() error {
	if t.mount == nil {
		return nil
	}
	return t.mount.Close()
}

// TracepointID is the number that the kernel has for the tracepoint group:name.
// It fails with fs.ErrNotExist if there is no such tracepoint.
func (t *Tracefs) TracepointID(group, name string) (uint64, error) {
	if !isEventName(group) || !isEventName(name) {
		return 0, fmt.Errorf("tracepoint %q in group %q: want letters, digits and underscores: %w", name, group, os.ErrInvalid)
	}
	text, err := ReadFile(path.Join(t.Root, "events", group, name, "id"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("this kernel has no tracepoint %s:%s (see available_events in tracefs): %w", group, name, fs.ErrNotExist)
	}
	if err != nil {
		return 0, ExplainPermission(fmt.Errorf("tracepoint %s:%s: %w", group, name, err))
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("tracepoint %s:%s: %w", group, name, err)
	}
	return id, nil
}

// Append gives a command to one of the files that make and remove probes. It
// fails with errors.ErrUnsupported if the kernel has no such file.
func (t *Tracefs) Append(file, command string) error {
	f, err := OpenFile(path.Join(t.Root, file), os.O_WRONLY|os.O_APPEND)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no %s in tracefs: %w", file, errors.ErrUnsupported)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := writeFile(f, command); err != nil {
		return fmt.Errorf("%q: %w", command, err)
	}
	return nil
}

// TracepointID is Tracefs.TracepointID for who needs just one.
func TracepointID(group, name string) (uint64, error) {
	t, err := OpenTracefs()
	if err != nil {
		return 0, fmt.Errorf("tracepoint %s:%s: %w", group, name, err)
	}
	defer t.Close()
	return t.TracepointID(group, name)
}

// isEventName tells whether s can be a file name below events, and no path.
func isEventName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return s != ""
}
