//go:build unix

// Package files reads files and folders, and no more.
//
// Package os can more, at a price: whoever opens a file with it starts the
// network poller, which takes five system calls, and whoever asks for its size
// has all of package time and its zones in the program, since a FileInfo may be
// printed.
package files

import (
	"io"
	"io/fs"
	"syscall"
)

// File is open for reading. Errors of its methods are of type *fs.PathError.
type File struct {
	path string
	fd   int
}

// Open opens a file or folder.
func Open(path string) (*File, error) {
	fd, err := again(func() (int, error) { return syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0) })
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &File{path, fd}, nil
}

// FD returns the descriptor.
func (f *File) FD() int { return f.fd }

// Close must be called once.
func (f *File) Close() error { return f.wrap("close", syscall.Close(f.fd)) }

// Size returns how many bytes the file has, which is zero for some that have any.
func (f *File) Size() (int64, error) {
	var stat syscall.Stat_t
	_, err := again(func() (int, error) { return 0, syscall.Fstat(f.fd, &stat) })
	return stat.Size, f.wrap("stat", err)
}

// Read implements io.Reader.
func (f *File) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, err := again(func() (int, error) { return syscall.Read(f.fd, b) })
	switch {
	case err != nil:
		return 0, f.wrap("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// ReadAt fills b from an offset, or fails with io.ErrUnexpectedEOF.
func (f *File) ReadAt(b []byte, offset int64) error {
	for len(b) > 0 {
		n, err := again(func() (int, error) { return syscall.Pread(f.fd, b, offset) })
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return f.wrap("read", err)
		}
		b, offset = b[n:], offset+int64(n)
	}
	return nil
}

func (f *File) wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: f.path, Err: err}
}

// Read returns the contents of a file, whatever it says its size is.
func Read(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	// One byte more, to be told that the file ends. Files of the kernel, which
	// often have a page, say that they are empty.
	data := make([]byte, 0, max(int(size), 511)+1)
	for {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
	}
}

// Names returns the names of what is in a folder, in any order.
func Names(folder string) ([]string, error) {
	f, err := Open(folder)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var names []string
	buf := make([]byte, 8<<10)
	for {
		n, err := again(func() (int, error) { return syscall.ReadDirent(f.fd, buf) })
		if err != nil {
			return nil, f.wrap("readdirent", err)
		}
		if n == 0 {
			return names, nil
		}
		_, _, names = syscall.ParseDirent(buf[:n], -1, names)
	}
}

// again calls f until no signal interrupts it.
func again(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if err != syscall.EINTR {
			return n, err
		}
	}
}
