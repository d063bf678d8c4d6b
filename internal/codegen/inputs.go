package codegen

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
)

// inputs reads the files of a run once, as targets mostly have the same, a piece
// at a time: a vmlinux.h has megabytes.
type inputs struct {
	mu    sync.Mutex
	files map[string]input
	piece []byte
}

// input is what matters of a file.
type input struct {
	sum      string
	exported []string // the macros with an export comment
}

// read returns what there is to know of a file.
func (c *inputs) read(path string) (input, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in, ok := c.files[path]; ok {
		return in, nil
	}
	in, err := c.readNew(path)
	if err != nil {
		return input{}, err
	}
	if c.files == nil {
		c.files = map[string]input{}
	}
	c.files[path] = in
	return in, nil
}

func (c *inputs) readNew(path string) (in input, err error) {
	var exports bool
	if in.sum, exports, err = c.scan(path); err != nil || !exports {
		return in, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return input{}, err
	}
	in.exported = exportedIn(data)
	return in, nil
}

// scan returns a file's digest, and whether it has an export comment.
func (c *inputs) scan(path string) (sum string, exports bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if c.piece == nil {
		c.piece = make([]byte, 32<<10)
	}
	digest := sha256.New()
	kept := 0 // of the piece before, which may have the start of a comment
	for {
		n, err := f.Read(c.piece[kept:])
		piece := c.piece[:kept+n]
		digest.Write(piece[kept:])
		exports = exports || bytes.Contains(piece, []byte(exportComment))
		kept = copy(c.piece, piece[max(0, len(piece)-len(exportComment)+1):])
		if errors.Is(err, io.EOF) {
			return shortSum(digest.Sum(nil)), exports, nil
		}
		if err != nil {
			return "", false, err
		}
	}
}

// exportedIn returns the names of macros with an export comment, on the line
// before or at the end of the same.
func exportedIn(data []byte) []string {
	var names []string
	marked := false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if m := defineLine().FindStringSubmatch(line); m != nil && (marked || strings.HasSuffix(line, exportComment)) {
			names = append(names, m[1])
		}
		marked = line == exportComment
	}
	slices.Sort(names)
	return slices.Compact(names)
}
