package object

import (
	"fmt"
	"os"
	"testing"
)

func TestAdhoc(t *testing.T) {
	files := os.Args[len(os.Args)-1]
	_ = files
	for _, f := range flagFiles() {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		o, err := Parse(data)
		if err != nil {
			fmt.Printf("%s: ERR %v\n", f, err)
			continue
		}
		d := dump(o)
		if os.Getenv("DUMP") != "" {
			fmt.Printf("== %s\n%s", f, d)
		} else {
			fmt.Printf("%s: ok %d maps %d progs %d vars %d externs\n", f, len(o.Maps), len(o.Programs), len(o.Variables), len(o.Externs))
		}
	}
}

func flagFiles() []string {
	var out []string
	for _, f := range splitList(os.Getenv("FILES")) {
		out = append(out, f)
	}
	return out
}

func splitList(s string) []string {
	var out []string
	cur := ""
	for _, r := range s + " " {
		if r == ' ' || r == '\n' {
			if cur != "" {
				out = append(out, cur)
			}
			cur = ""
			continue
		}
		cur += string(r)
	}
	return out
}
