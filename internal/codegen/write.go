package codegen

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// File is one file of the output, complete in memory.
type File struct {
	Path string
	Data []byte
}

// Commit writes all files or none, and returns the paths of those that changed.
//
// A file whose contents are there already isn't touched. Everything is written
// beside its destination first and then renamed; if a rename fails, what was
// renamed before it is put back. What a generator left that was killed is
// removed.
func Commit(files []File) (changed []string, err error) {
	for _, dir := range folders(files) {
		unlock, lockErr := lockFolder(dir)
		if lockErr != nil {
			return nil, fmt.Errorf("write to %s: %w", dir, lockErr)
		}
		defer func() { err = errors.Join(err, unlock()) }()
	}
	if err := removeLeftovers(files); err != nil {
		return nil, err
	}
	return commit(files)
}

// folders returns where the files are, in an order that all processes keep.
func folders(files []File) []string {
	var dirs []string
	for _, file := range files {
		dirs = append(dirs, filepath.Dir(file.Path))
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// removeLeftovers removes temporary files. Nobody uses them while the folders
// are locked.
func removeLeftovers(files []File) error {
	var errs []error
	for _, dir := range folders(files) {
		entries, err := os.ReadDir(dir)
		errs = append(errs, err)
		for _, entry := range entries {
			for _, file := range files {
				if filepath.Dir(file.Path) == dir && isSibling(entry.Name(), filepath.Base(file.Path)) {
					errs = append(errs, os.Remove(filepath.Join(dir, entry.Name())))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// isSibling tells whether sibling has made that name for a file.
func isSibling(name, file string) bool {
	rest, ok := strings.CutPrefix(name, "."+file+".")
	pid, kind, _ := strings.Cut(rest, ".")
	_, err := strconv.Atoi(pid)
	return ok && err == nil && (kind == "new" || kind == "old")
}

func commit(files []File) (changed []string, err error) {
	var staged []*stagedFile
	defer func() {
		for _, f := range staged {
			err = errors.Join(err, f.cleanUp())
		}
	}()
	for _, file := range files {
		same, err := hasContents(file)
		if err != nil {
			return nil, err
		}
		if same {
			continue
		}
		f, err := stage(file)
		if err != nil {
			return nil, err
		}
		staged = append(staged, f)
	}
	return publishAll(staged)
}

// publishAll publishes all files or none.
func publishAll(staged []*stagedFile) (changed []string, err error) {
	for i, f := range staged {
		if err := f.publish(); err != nil {
			for _, earlier := range staged[:i] {
				err = errors.Join(err, earlier.restore())
			}
			return nil, err
		}
		changed = append(changed, f.dest)
	}
	return changed, nil
}

// stagedFile is a file on its way to its destination.
type stagedFile struct {
	dest   string
	temp   string // the new contents, until published
	backup string // a second name of what was there before; empty if nothing was
}

// stage writes the new contents beside the destination and keeps the old ones.
func stage(file File) (_ *stagedFile, err error) {
	f := &stagedFile{dest: file.Path}
	if real, err := filepath.EvalSymlinks(file.Path); err == nil {
		f.dest = real // a link stays a link
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.cleanUp())
		}
	}()
	f.temp = sibling(f.dest, "new")
	if err := writeSynced(f.temp, file.Data); err != nil {
		return nil, fmt.Errorf("write %s: %w", file.Path, err)
	}
	info, err := os.Stat(f.dest)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("write %s: it exists and is no regular file", file.Path)
	}
	if err := os.Chmod(f.temp, info.Mode().Perm()); err != nil {
		return nil, err
	}
	f.backup = sibling(f.dest, "old")
	if err := keep(f.dest, f.backup); err != nil {
		f.backup = ""
		return nil, fmt.Errorf("keep a copy of %s: %w", file.Path, err)
	}
	return f, nil
}

// publish makes the new contents appear under the destination's name.
func (f *stagedFile) publish() error {
	if err := os.Rename(f.temp, f.dest); err != nil {
		return err
	}
	f.temp = ""
	return nil
}

// restore undoes publish.
func (f *stagedFile) restore() error {
	if f.backup == "" {
		return os.Remove(f.dest)
	}
	err := os.Rename(f.backup, f.dest)
	f.backup = ""
	return err
}

func (f *stagedFile) cleanUp() error {
	var errs []error
	for _, name := range []string{f.temp, f.backup} {
		if name == "" {
			continue
		}
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// sibling returns a name in the folder of path that the go command ignores and
// no other running process uses.
func sibling(path, kind string) string {
	name := "." + filepath.Base(path) + "." + strconv.Itoa(os.Getpid()) + "." + kind
	return filepath.Join(filepath.Dir(path), name)
}

// keep gives the file a second name, or copies it where links don't exist.
func keep(file, as string) error {
	if err := os.Remove(as); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(file, as) == nil {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return writeSynced(as, data)
}

// writeSynced writes a file and waits until it is on disk: renaming one that
// isn't could leave an empty file after a crash.
func writeSynced(name string, data []byte) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

func hasContents(file File) (bool, error) {
	old, err := os.ReadFile(file.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return bytes.Equal(old, file.Data), nil
}
