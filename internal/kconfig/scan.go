// Package kconfig reads the configuration that a kernel was built with, and
// puts options into variables of BPF programs.
//
// A configuration has thousands of options, of which a program asks for a few:
// text is read once from end to end, and nothing of it is kept but the answers.
package kconfig

import (
	"bytes"
	"fmt"
	"io"
	"iter"

	"github.com/bpfgen/bpfgen/internal/files"
	"github.com/bpfgen/bpfgen/internal/gunzip"
)

// Bounds of what is taken for a configuration. Real ones have about 300 KiB, in
// lines of up to 300 bytes.
const (
	maxText = 16 << 20
	maxLine = 64 << 10
)

// prefix is how names of options begin.
const prefix = "CONFIG_"

// IsOption tells whether a name is that of an option, set or not.
func IsOption(name string) bool { return len(name) > len(prefix) && name[:len(prefix)] == prefix }

// Find looks options up in the text of a configuration, which may be compressed
// by gzip. The i-th result is the value of the i-th option as it is written (y,
// m, n, a number, or a string in quotes), "" if the option isn't set. The first
// of several values counts.
//
// Find reads no further than it has to.
func Find(config io.Reader, names []string) ([]string, error) {
	values := make([]string, len(names))
	index := make(map[string]int, len(names))
	for i, name := range names {
		index[name] = i
	}
	for opt, err := range options(config) {
		if err != nil {
			return nil, err
		}
		i, wanted := index[string(opt.name)]
		if !wanted || opt.value == nil {
			continue
		}
		values[i] = string(opt.value)
		if delete(index, names[i]); len(index) == 0 {
			break
		}
	}
	return values, nil
}

// option is a line of a configuration, valid until the next one is read.
type option struct {
	name  []byte
	value []byte // nil in "# CONFIG_X is not set"
}

// options iterates over what a configuration says. It ends at the first error.
func options(config io.Reader) iter.Seq2[option, error] {
	return func(yield func(option, error) bool) {
		plain, err := decompress(config)
		if err != nil {
			yield(option{}, err)
			return
		}
		bounded := &io.LimitedReader{R: plain, N: maxText}
		lines := files.NewLines(bounded, maxLine)
		number := 0
		// broken is why lines can't be relied on, which may have made the last one shorter.
		broken := func() error {
			if err := lines.Err(); err != nil {
				return fmt.Errorf("kernel configuration, line %d: %w", number+1, err)
			}
			if bounded.N <= 0 {
				return fmt.Errorf("kernel configuration: more than %d MiB", maxText>>20)
			}
			return nil
		}
		for lines.Next() && broken() == nil {
			number++
			opt, err := parse(lines.Line())
			if err != nil {
				err = fmt.Errorf("kernel configuration, line %d: %w", number, err)
			} else if opt.name == nil {
				continue
			}
			if !yield(opt, err) || err != nil {
				return
			}
		}
		if err := broken(); err != nil {
			yield(option{}, err)
		}
	}
}

// decompress is the text behind what may be text, or compressed.
func decompress(config io.Reader) (io.Reader, error) {
	magic := make([]byte, 2)
	n, err := io.ReadFull(config, magic)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("kernel configuration: %w", err)
	}
	config = io.MultiReader(bytes.NewReader(magic[:n]), config)
	if string(magic) != "\x1f\x8b" {
		return config, nil
	}
	plain, err := gunzip.NewReader(config)
	if err != nil {
		return nil, fmt.Errorf("kernel configuration: %w", err)
	}
	return plain, nil
}

// parse reads a line. Lines about nothing are an option without a name.
func parse(line []byte) (option, error) {
	line = bytes.TrimRight(line, " \t\r")
	if off, ok := bytes.CutSuffix(line, []byte(" is not set")); ok {
		name := bytes.TrimPrefix(off, []byte("# "))
		if !bytes.HasPrefix(name, []byte(prefix)) {
			name = nil // a comment that happens to end like this
		}
		return option{name: name}, nil
	}
	if !bytes.HasPrefix(line, []byte(prefix)) {
		return option{}, nil
	}
	assigned := bytes.IndexByte(line, '=')
	if assigned < 0 || assigned == len(line)-1 {
		return option{}, fmt.Errorf("%q has no value: want OPTION=VALUE", line)
	}
	return option{line[:assigned], line[assigned+1:]}, nil
}
