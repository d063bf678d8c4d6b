package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// tracefsRoots are the places where tracefs is mounted, preferred one first.
var tracefsRoots = [...]string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}

// Tracefs is the folder where tracefs is mounted. If there is none, it says
// how to get it.
func Tracefs() (string, error) {
	for _, root := range tracefsRoots {
		var stat unix.Statfs_t
		if unix.Statfs(root, &stat) == nil && stat.Type == unix.TRACEFS_MAGIC {
			return root, nil
		}
	}
	// debugfs mounts tracefs below itself when somebody looks.
	if _, err := os.Stat(filepath.Join(tracefsRoots[1], "events")); err == nil {
		return tracefsRoots[1], nil
	}
	return "", fmt.Errorf("tracefs is not mounted (mount -t tracefs tracefs %s): %w", tracefsRoots[0], fs.ErrNotExist)
}

// TracepointID is the number that the kernel has for the tracepoint group:name.
// It fails with fs.ErrNotExist if there is no such tracepoint.
func TracepointID(group, name string) (uint64, error) {
	if !isEventName(group) || !isEventName(name) {
		return 0, fmt.Errorf("tracepoint %q in group %q: want letters, digits and underscores: %w", name, group, os.ErrInvalid)
	}
	root, err := Tracefs()
	if err != nil {
		return 0, fmt.Errorf("tracepoint %s:%s: %w", group, name, err)
	}
	text, err := os.ReadFile(filepath.Join(root, "events", group, name, "id"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("this kernel has no tracepoint %s:%s (see %s/available_events): %w", group, name, root, fs.ErrNotExist)
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
