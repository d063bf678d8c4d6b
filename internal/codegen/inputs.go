package codegen

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
)

// inputs reads the files of a run once, as targets mostly have the same, and
// keeps what there is to know of them, which takes less memory than they do.
type inputs struct {
	mu    sync.Mutex
	files map[string]input
	buf   bytes.Buffer // the contents of one file after another
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
	if err := c.load(path); err != nil {
		return input{}, err
	}
	if c.files == nil {
		c.files = map[string]input{}
	}
	in := input{sumOf(c.buf.Bytes()), exportedIn(c.buf.Bytes())}
	c.files[path] = in
	return in, nil
}

// load puts a file into the buffer.
func (c *inputs) load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	c.buf.Reset()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		c.buf.Grow(int(info.Size()) + bytes.MinRead) // it takes the rest to see the end
	}
	_, err = c.buf.ReadFrom(f)
	return errors.Join(err, f.Close())
}

// exportedIn returns the names of macros with an export comment, on the line
// before or at the end of the same.
func exportedIn(data []byte) []string {
	if !bytes.Contains(data, []byte(exportComment)) {
		return nil
	}
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
