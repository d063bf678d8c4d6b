package graph_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/graph"
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/testutil"
)

const objects = "../../testdata"

func graphOf(t testing.TB, name string) *graph.Graph {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(objects, name))
	if err != nil {
		t.Fatal(err)
	}
	obj, err := object.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return graph.Of(obj)
}

// Calls, callbacks, tail calls, maps in maps, struct_ops.
func TestGraphs(t *testing.T) {
	for _, name := range []string{"calls-el.o", "callbacks-el.o", "maps-el.o", "structops-el.o"} {
		g := graphOf(t, name)
		var dot, svg bytes.Buffer
		if err := errors.Join(g.WriteDOT(&dot), g.WriteSVG(&svg)); err != nil {
			t.Fatal(err)
		}
		testutil.Golden(t, name+".dot", dot.Bytes())
		testutil.Golden(t, name+".svg", svg.Bytes())
	}
}

// Every object of ours gives well-formed XML, without anything outside of the
// picture.
func TestWellFormed(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(objects, "*.o"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		var svg bytes.Buffer
		if err := graphOf(t, filepath.Base(file)).WriteSVG(&svg); err != nil {
			t.Fatal(err)
		}
		if err := wellFormed(svg.Bytes()); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if strings.Contains(svg.String(), "NaN") || strings.Contains(svg.String(), "Inf") {
			t.Errorf("%s: no numbers", file)
		}
	}
}

// Names are text, whatever is in them.
func TestHostileNames(t *testing.T) {
	hostile := "\"]; evil [label=<script>alert(1)</script>\x00\xff&amp;\n"
	g := &graph.Graph{
		Nodes: []graph.Node{{Kind: graph.Program, Name: hostile, Detail: hostile}, {Kind: graph.Map, Name: hostile}},
		Edges: []graph.Edge{{From: 0, To: 1}, {From: 1, To: 0, Tail: true}, {From: 0, To: 0}},
	}
	var dot, svg bytes.Buffer
	if err := errors.Join(g.WriteDOT(&dot), g.WriteSVG(&svg)); err != nil {
		t.Fatal(err)
	}
	if err := wellFormed(svg.Bytes()); err != nil {
		t.Error(err)
	}
	if strings.Contains(svg.String(), "<script") {
		t.Errorf("text became markup:\n%s", svg.String())
	}
	if n := strings.Count(dot.String(), "\n"); n != 9 {
		t.Errorf("a name broke out of its line:\n%s", dot.String())
	}
}

// An object with nothing in it is an empty picture.
func TestEmpty(t *testing.T) {
	var svg bytes.Buffer
	if err := new(graph.Graph).WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	if err := wellFormed(svg.Bytes()); err != nil {
		t.Error(err)
	}
}

func wellFormed(text []byte) error {
	for dec := xml.NewDecoder(bytes.NewReader(text)); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
