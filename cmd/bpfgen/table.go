package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// table is text in aligned columns, headed in bold on a terminal.
type table struct {
	head   []string
	rows   [][]string
	colour bool
}

func (c console) table(head ...string) *table {
	return &table{head: head, colour: c.colour()}
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

const (
	bold  = "\x1b[1m"
	red   = "\x1b[31m"
	green = "\x1b[32m"
	plain = "\x1b[0m"
)

// section writes the table after an empty line, or nothing if it has no rows.
func (t *table) section(w io.Writer) {
	if len(t.rows) > 0 {
		fmt.Fprintln(w)
		t.print(w)
	}
}

func (t *table) print(w io.Writer) {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	head := align(t.head, widths)
	if t.colour {
		head = bold + head + plain
	}
	fmt.Fprintln(w, head)
	for _, row := range t.rows {
		fmt.Fprintln(w, t.paint(align(row, widths)))
	}
}

func align(cells []string, widths []int) string {
	var line strings.Builder
	for i, cell := range cells {
		line.WriteString(cell)
		if i < len(cells)-1 {
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
	}
	return strings.TrimRight(line.String(), " ")
}

// paint colours verdicts: the words of a cell of its own that say whether
// something is well.
func (t *table) paint(line string) string {
	if !t.colour {
		return line
	}
	line = strings.Replace(line, "  rejected", "  "+red+"rejected"+plain, 1)
	return strings.Replace(line, "  ok ", "  "+green+"ok"+plain+" ", 1)
}

// colour tells whether to colour what goes to standard output: on a terminal,
// unless NO_COLOR is set or the terminal is dumb.
func (c console) colour() bool {
	return isTerminal(c.stdout) && c.getenv("NO_COLOR") == "" && c.getenv("TERM") != "dumb"
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Name() != filepath.Base(os.DevNull)
}
