package object

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Programs that are decoded one by one, in any order, are those that Parse
// decodes together.
func TestDecodeOneByOne(t *testing.T) {
	for _, name := range corpus {
		for _, order := range []string{"-el", "-eb"} {
			data := readObject(t, name+order)
			o, err := Open(data, string(data))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range slices.Backward(o.Programs) {
				if p.Instructions != nil {
					t.Errorf("%s: program %s is decoded", name, p.Name)
				}
				if p.Instructions, err = p.Decode(); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(dump(parseObject(t, name+order)), dump(o)); diff != "" {
				t.Errorf("%s: - together, + one by one:\n%s", name+order, diff)
			}
		}
	}
}

// Several goroutines can decode programs of the same object, which have nothing
// in common that could change.
func TestDecodeConcurrently(t *testing.T) {
	o, err := Open(readObject(t, "calls-el"), "")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	texts := make([][]string, 4)
	for i := range texts {
		wg.Go(func() {
			for _, p := range o.Programs {
				insns, err := p.Decode()
				if err != nil {
					t.Error(err)
				}
				texts[i] = append(texts[i], fmt.Sprint(insns))
				clear(insns)
			}
		})
	}
	wg.Wait()
	for _, text := range texts[1:] {
		if diff := cmp.Diff(texts[0], text); diff != "" {
			t.Error(diff)
		}
	}
}

// A mistake in the code of a program is that program's alone until all are
// decoded, and stays one however often it is decoded.
func TestDecodeErrors(t *testing.T) {
	data := slices.Clone(readObject(t, "programs-el"))
	o, err := Open(data, "")
	if err != nil {
		t.Fatal(err)
	}
	broken := o.Programs[0]
	f := &o.file.code.funcs[broken.function]
	code, err := o.file.bytes(f)
	if err != nil {
		t.Fatal(err)
	}
	code[len(code)-8] = opLoadImm64 // the second half is missing
	for range 2 {
		if _, err := broken.Decode(); err == nil {
			t.Error("half a 64-bit load was decoded")
		}
	}
	for _, p := range o.Programs[1:] {
		if _, err := p.Decode(); err != nil {
			t.Error(err)
		}
	}
	if o.Decode() == nil {
		t.Error("no error of all programs")
	}
}
