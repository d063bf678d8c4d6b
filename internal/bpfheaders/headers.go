// Package bpfheaders is the headers that BPF C code includes as <bpf/…>: the
// names that libbpf gives helpers, macros and attributes, in our own words. They
// are used where the system has none, so that clang is all that has to be
// installed.
package bpfheaders

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

//go:embed bpf/*.h
var files embed.FS

// Read returns a header by the name that C code includes it by, such as
// bpf/bpf_helpers.h. The error wraps fs.ErrNotExist if there is none.
func Read(name string) ([]byte, error) { return files.ReadFile(name) }

// Names returns the names of all headers.
func Names() []string {
	names, err := fs.Glob(files, "bpf/*.h")
	if err != nil {
		return nil // only a bad pattern is an error
	}
	return names
}

// version is a name for the contents of all headers.
var version = sync.OnceValue(func() string {
	sum := sha256.New()
	for _, name := range Names() {
		data, err := Read(name)
		if err != nil {
			continue // Names has it from the same place
		}
		fmt.Fprintf(sum, "%s %d\n%s", name, len(data), data)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
})

// Folder returns a folder below cache that has the headers, and makes it if it
// isn't there: compilers want files. A folder is never changed once it has its
// name, so that processes can share it.
func Folder(cache string) (string, error) {
	folder := filepath.Join(cache, "headers-"+version())
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := unpack(folder); err != nil {
		return "", fmt.Errorf("unpack headers: %w", err)
	}
	return folder, nil
}

func unpack(folder string) (err error) {
	temp := folder + "." + strconv.Itoa(os.Getpid())
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if err := os.MkdirAll(filepath.Dir(temp), 0o755); err != nil {
		return err
	}
	if err := os.CopyFS(temp, files); err != nil {
		return err
	}
	err = os.Rename(temp, folder)
	if _, statErr := os.Stat(folder); statErr == nil {
		return nil // another process was faster
	}
	return err
}
