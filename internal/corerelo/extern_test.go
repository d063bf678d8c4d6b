package corerelo_test

import (
	"testing"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/corerelo"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Type 1 of each is what is compared: a declaration, and what the kernel has.
func TestCompatible(t *testing.T) {
	type types func(b *builder)
	function := func(result uint32, params ...uint32) types {
		return func(b *builder) {
			b.add(rawbtf.KindFunc, false, 2, "f", 2)
			b.proto(result, params...)
			b.integer("int", 4, true)                              // 3
			b.structure("task_struct", 8, field{"pid", 3, 0, 0})   // 4
			b.ref(rawbtf.KindPointer, "", 4)                       // 5
			b.ref(rawbtf.KindTypedef, "pid_t", 3)                  // 6
			b.add(rawbtf.KindFwd, false, 0, "task_struct", 0)      // 7
			b.ref(rawbtf.KindPointer, "", 7)                       // 8
			b.ref(rawbtf.KindConst, "", 5)                         // 9
			b.structure("sock", 16, field{"family", 3, 0, 0})      // 10
			b.ref(rawbtf.KindPointer, "", 10)                      // 11
			b.ref(rawbtf.KindPointer, "", 5)                       // 12
			b.integer("long", 8, true)                             // 13
			b.add(rawbtf.KindConst, false, 0, "", 14 /* itself */) // 14
		}
	}
	variable := func(typ uint32) types {
		return func(b *builder) {
			b.add(rawbtf.KindVar, false, 0, "v", typ, 1)
			b.ref(rawbtf.KindPointer, "", 3)                   // 2
			b.structure("rq", 4, field{"nr_running", 4, 0, 0}) // 3
			b.integer("unsigned int", 4, false)                // 4
			b.ref(rawbtf.KindConst, "", 3)                     // 5
		}
	}
	for name, test := range map[string]struct {
		declared, kernel types
		want             string
	}{
		"same":                     {function(3, 5, 6), function(3, 5, 6), ""},
		"no result":                {function(0), function(0), ""},
		"typedefs and qualifiers":  {function(6, 9), function(3, 5), ""},
		"sizes of integers":        {function(3, 3), function(13, 13), ""},
		"another struct":           {function(0, 5), function(0, 11), ""}, // names don't matter
		"number of parameters":     {function(0, 5, 3), function(0, 5), "declared with 2 parameters, but it has 1"},
		"parameter":                {function(0, 5, 3), function(0, 5, 5), "parameter 2 declared as int, but it is struct task_struct *"},
		"result":                   {function(0, 5), function(3, 5), "declared to return void, but it returns int"},
		"declared without members": {function(0, 8), function(0, 5), "parameter 1 declared as struct task_struct * (without members), but it is struct task_struct *"},
		"more pointers":            {function(0, 12), function(0, 5), "parameter 1 declared as struct task_struct **, but it is struct task_struct *"},
		"endless type":             {function(0, 14), function(0, 14), "type ID 14: types refer to each other more than 32 times over"},
		"missing type":             {function(0, 99), function(0, 5), "type ID 99: not found"},
		"variable":                 {variable(5), variable(3), ""},
		"another variable":         {variable(2), variable(3), "declared as struct rq *, but it is struct rq"},
		"function, not variable":   {variable(2), function(0), "declared as struct rq *, but it is func proto of type ID 2"},
	} {
		err := corerelo.Compatible(build(t, test.declared).Ref(1), build(t, test.kernel).Ref(1))
		if got := text(err); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if corerelo.Compatible(build(t, function(0)).Ref(99), build(t, function(0)).Ref(1)) == nil || corerelo.Compatible(build(t, function(0)).Ref(1), build(t, function(0)).Ref(btf.TypeID(99))) == nil {
		t.Error("types that don't exist are compatible")
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
