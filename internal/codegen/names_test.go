package codegen

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGoName(t *testing.T) {
	for c, want := range map[string]string{
		"my_map":         "MyMap",
		"myMap":          "MyMap",
		"MY_MAP":         "MY_MAP",
		"handle_exec_v2": "HandleExecV2",
		"a1_b":           "A1B",
		"x_1y":           "X_1y", // as bpf2go has it: the underscore follows what is upper case now
		"_leading":       "Leading",
		"trailing_":      "Trailing",
		"__u64":          "U64",
		"two__words":     "TwoWords",
		"_1abc":          "1abc",
		"struct.name$x":  "Structnamex",
		"größe":          "Größe",
		"___":            "",
		"":               "",
	} {
		if got := goName(c); got != want {
			t.Errorf("goName(%q) = %q, want %q", c, got, want)
		}
	}
}

func TestAssignNames(t *testing.T) {
	for _, test := range []struct {
		about  string
		prefix string
		c      []string
		want   []string
	}{
		{"no collision", "", []string{"a", "ab_c"}, []string{"A", "AbC"}},
		{"the one that is spelled like it wins", "", []string{"foo_bar", "fooBar"}, []string{"Foo_bar", "FooBar"}},
		{"whatever the order", "", []string{"fooBar", "foo_bar"}, []string{"FooBar", "Foo_bar"}},
		{"else the first", "", []string{"foo_bar", "foo__bar", "_foo_bar"}, []string{"FooBar", "Foo__bar", "X_foo_bar"}},
		{"case of the first letter", "", []string{"foo", "Foo"}, []string{"Foo", "Foo2"}},
		{"names of our own", "", []string{"close", "objects"}, []string{"CloseProgram", "Objects"}},
		{"and what we would replace them by", "", []string{"close_program", "close"}, []string{"CloseProgram", "Close2"}},
		{"leading digits and underscores", "", []string{"_1abc", "___"}, []string{"X1abc", "X"}},
		{"keywords", "", []string{"type", "func"}, []string{"Type", "Func"}},
		{"with a stem", "snoop", []string{"objects", "event", "_event", "_1"}, []string{"snoopObjectsProgram", "snoopEvent", "snoop__event", "snoop1"}},
	} {
		t.Run(test.about, func(t *testing.T) {
			s := newScope(test.prefix, "Close", "snoopObjects")
			requests := make([]nameRequest, len(test.c))
			for i, c := range test.c {
				requests[i] = nameRequest{c, "Program"}
			}
			if diff := cmp.Diff(test.want, s.assign(requests)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTopNames(t *testing.T) {
	for _, test := range []struct{ ident, load, objects, objectsType, bytes string }{
		{"Snoop", "LoadSnoop", "LoadSnoopObjects", "SnoopObjects", "_SnoopBytes"},
		{"snoop", "loadSnoop", "loadSnoopObjects", "snoopObjects", "_SnoopBytes"},
		{"_x", "load_x", "load_xObjects", "_xObjects", "__xBytes"},
	} {
		n, err := topNames(test.ident)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{n.Load, n.LoadObjects, n.Objects, n.Bytes}
		if diff := cmp.Diff([]string{test.load, test.objects, test.objectsType, test.bytes}, got); diff != "" {
			t.Error(diff)
		}
	}
	for _, bad := range []string{"", "my-prog", "1a", "func", "a.b"} {
		if _, err := topNames(bad); err == nil {
			t.Errorf("topNames(%q) gave no error", bad)
		}
	}
}
