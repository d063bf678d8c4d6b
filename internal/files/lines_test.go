package files

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func readLines(r io.Reader, longest int) (got []string, err error) {
	lines := NewLines(r, longest)
	for lines.Next() {
		got = append(got, string(lines.Line()))
	}
	return got, lines.Err()
}

func TestLines(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                nil,
		"\n":                              {""},
		"one":                             {"one"},
		"one\n":                           {"one"},
		"one\ntwo":                        {"one", "two"},
		"\n\nlongest\n\n":                 {"", "", "longest", ""},
		"longest":                         {"longest"},
		strings.Repeat("a\nlonger\n", 50): slices.Repeat([]string{"a", "longer"}, 50),
	} {
		for name, r := range map[string]io.Reader{
			"at once":       strings.NewReader(text),
			"byte by byte":  iotest.OneByteReader(strings.NewReader(text)),
			"end with data": iotest.DataErrReader(strings.NewReader(text)),
		} {
			if got, err := readLines(r, len("longest")); !slices.Equal(got, want) || err != nil {
				t.Errorf("%q, %s: got %q, want %q, error %v", text, name, got, want, err)
			}
		}
	}
}

func TestLinesErrors(t *testing.T) {
	got, err := readLines(strings.NewReader("one\ntoo long"), 7)
	if !slices.Equal(got, []string{"one"}) || err == nil || err.Error() != "longer than 7 bytes" {
		t.Errorf("a long line: got %q, error %v", got, err)
	}
	broken := errors.New("broken")
	got, err = readLines(io.MultiReader(strings.NewReader("one\ntw"), iotest.ErrReader(broken)), 7)
	if !slices.Equal(got, []string{"one"}) || err != broken {
		t.Errorf("an error: got %q, error %v", got, err)
	}
}
