package codegen

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitFlags(t *testing.T) {
	for in, want := range map[string][]string{
		"":                  nil,
		"  ":                nil,
		"-a -b":             {"-a", "-b"},
		" -a\t-b\n":         {"-a", "-b"},
		`foo "bar baz"`:     {"foo", "bar baz"},
		`-D'X="a b"' -DY=1`: {`-DX="a b"`, "-DY=1"},
		`a\ b c`:            {"a b", "c"},
		`"a\"b"`:            {`a"b`},
		`"" x ''`:           {"", "x", ""},
		`-DFOO=\"bar\"`:     {`-DFOO="bar"`},
	} {
		got, err := SplitFlags(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", in, diff)
		}
	}
	for _, bad := range []string{`"a`, `'`, `a\`, `'a"`} {
		if got, err := SplitFlags(bad); err == nil {
			t.Errorf("%q gave %q", bad, got)
		}
	}
}
