package files

import (
	"bytes"
	"fmt"
	"io"
)

// Lines reads text line by line.
type Lines struct {
	from io.Reader
	buf  []byte // as long as a line may be, and the end of it
	rest []byte // of buf, not returned yet
	line []byte
	err  error
}

// NewLines reads lines of up to longest bytes.
func NewLines(from io.Reader, longest int) *Lines {
	return &Lines{from: from, buf: make([]byte, longest+1)}
}

// Next reports whether there is another line.
func (l *Lines) Next() bool {
	seen := 0
	for {
		if i := bytes.IndexByte(l.rest[seen:], '\n'); i >= 0 {
			l.line, l.rest = l.rest[:seen+i], l.rest[seen+i+1:]
			return true
		}
		seen = len(l.rest)
		if l.err == nil && seen == len(l.buf) {
			l.err = fmt.Errorf("longer than %d bytes", seen-1)
		}
		if l.err != nil {
			l.line, l.rest = l.rest, nil
			return l.err == io.EOF && seen > 0
		}
		copy(l.buf, l.rest)
		n, err := l.from.Read(l.buf[seen:])
		l.rest, l.err = l.buf[:seen+n], err
	}
}

// Line returns the line without its end. It is valid until Next is called.
func (l *Lines) Line() []byte { return l.line }

// Err returns why there were no more lines, nil at the end of the text.
func (l *Lines) Err() error {
	if l.err == io.EOF {
		return nil
	}
	return l.err
}
