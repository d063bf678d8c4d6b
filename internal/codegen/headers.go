package codegen

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"github.com/bpfgen/bpfgen/internal/bpfheaders"
)

// headersVar stands for the folder of our own headers in manifests.
const headersVar = "$BPFGEN"

// unpackHeaders returns a folder that has our own headers, and what to do when
// the compiler is done: nothing, if they stay in the user's cache.
func unpackHeaders() (folder string, done func() error, err error) {
	if cache, err := os.UserCacheDir(); err == nil {
		if folder, err := bpfheaders.Folder(filepath.Join(cache, "bpfgen")); err == nil {
			return folder, func() error { return nil }, nil
		}
	}
	temp, err := os.MkdirTemp("", "bpfgen")
	if err != nil {
		return "", nil, fmt.Errorf("folder for headers: %w", err)
	}
	if folder, err = bpfheaders.Folder(temp); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(temp))
	}
	return folder, func() error { return os.RemoveAll(temp) }, nil
}

// headerFlags are the options that let clang find our own headers: after those of
// the system, or else before.
func (req *Request) headerFlags() []string {
	option := "-idirafter"
	if req.OwnHeaders {
		option = "-I"
	}
	if req.headers == "" {
		return nil
	}
	return []string{option, req.headers}
}

var missingHeader = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`fatal error: '((?:linux|asm|asm-generic)/[^']+|(?:[^']*/)?vmlinux\.h)' file not found`)
})

// Hint says where to get a header that the compiler hasn't found, if that is known.
func (e *CompileError) Hint() string {
	m := missingHeader().FindSubmatch(e.Messages)
	switch {
	case m == nil:
		return ""
	case filepath.Base(string(m[1])) == "vmlinux.h":
		return "bpfgen vmlinux -o vmlinux.h writes the declarations of this kernel's types"
	default:
		return fmt.Sprintf("<%s> is one of the kernel's headers for user space: install linux-libc-dev (Debian, Ubuntu), kernel-headers (Fedora) or linux-headers (Alpine), or include what bpfgen vmlinux writes in its place", m[1])
	}
}
