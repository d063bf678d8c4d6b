package corerelo

import "testing"

func TestExpressionAt(t *testing.T) {
	for _, c := range []struct {
		line   string
		column int
		want   string
	}{
		{"\treturn task->mm->start_brk;", 18, "task->mm->start_brk"},
		{"\treturn task->mm->start_brk;", 9, "task->mm->start_brk"},
		{"x = BPF_CORE_READ(task, mm, start_brk) + 1;", 5, "BPF_CORE_READ(task, mm, start_brk)"},
		{"x = a[3].b - c->d;", 14, "c->d"},
		{"x = f(g(1), (2)", 5, "f(g(1), (2)"},
		{"x = y;", 3, ""},
		{"x", 0, ""},
		{"x", 9, ""},
		{"", 1, ""},
	} {
		if got := expressionAt(c.line, c.column); got != c.want {
			t.Errorf("%q, column %d: %q, want %q", c.line, c.column, got, c.want)
		}
	}
}
