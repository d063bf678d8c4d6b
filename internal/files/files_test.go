//go:build unix

package files

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
)

func TestRead(t *testing.T) {
	for _, size := range []int{0, 1, 511, 512, 513, 100_000} {
		path := filepath.Join(t.TempDir(), "file")
		want := bytes.Repeat([]byte{0xa5}, size)
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(path); !bytes.Equal(got, want) || err != nil {
			t.Errorf("%d bytes: got %d, error %v", size, len(got), err)
		}
	}
}

// What says of itself that it is empty, as files of the kernel do, is read to its
// end, here in several pieces.
func TestReadUnsized(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("text"), 50_000)
	done := make(chan error)
	go func() { done <- os.WriteFile(path, want, 0) }()
	if got, err := Read(path); !bytes.Equal(got, want) || err != nil {
		t.Errorf("got %d bytes, want %d, error %v", len(got), len(want), err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestReadErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	_, err := Read(missing)
	_, want := os.ReadFile(missing)
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != want.Error() {
		t.Errorf("no file: got %v, want %v", err, want)
	}
	folder := t.TempDir()
	_, err = Read(folder)
	_, want = os.ReadFile(folder)
	if !errors.Is(err, syscall.EISDIR) || err.Error() != want.Error() {
		t.Errorf("a folder: got %v, want %v", err, want)
	}
}

func TestNames(t *testing.T) {
	folder := t.TempDir()
	var want []string
	for i := range 1000 { // more than what one system call returns
		name := "a name that isn't short " + strconv.Itoa(i)
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		want = append(want, name)
	}
	got, err := Names(folder)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || err != nil {
		t.Errorf("got %d names, want %d, error %v", len(got), len(want), err)
	}
	if _, err := Names(filepath.Join(folder, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}
