package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

func loadObject(t testing.TB, file string) (*Spec, *ExtInfos) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, ext, err := LoadSpecAndExtInfosFromReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return s, ext
}

func TestExtInfos(t *testing.T) {
	for _, file := range kindsObjects {
		t.Run(file, func(t *testing.T) {
			_, ext := loadObject(t, file)
			funcs, lines, relos := ext.Section("xdp")
			if len(funcs) != 1 || funcs[0].Offset != 0 || funcs[0].Func.Name() != "prog" {
				t.Errorf("functions: %v", funcs)
			}
			if len(relos) != 0 {
				t.Errorf("relocations: %v", relos)
			}
			if len(lines) == 0 {
				t.Fatal("no lines")
			}
			for i, l := range lines {
				if i > 0 && l.Offset < lines[i-1].Offset || l.Offset%8 != 0 {
					t.Errorf("line %d is at %d", i, l.Offset)
				}
				if !strings.HasSuffix(l.Line.FileName(), "kinds.c") || l.Line.LineNumber() == 0 {
					t.Errorf("line %d is %s", i, l.Line.Position())
				}
			}
			if last := lines[len(lines)-1].Line; !strings.Contains(last.Line(), "return local(node_var.member)") {
				t.Errorf("last line is %q", last.Line())
			}

			funcs, _, relos = ext.Section(".text")
			names := ""
			for _, f := range funcs {
				names += f.Func.Name() + " "
			}
			if names != "global local " {
				t.Errorf("functions in .text: %s", names)
			}
			if len(relos) != 1 || relos[0].Relo.Kind != COREFieldByteOffset || relos[0].Relo.Accessor != "0:0" || relos[0].Relo.Type.Name() != "kernel___flavour" {
				t.Errorf("relocations in .text: %v", relos)
			}
			if got := relos[0].Relo.String(); got != "byte_off kernel___flavour[0:0]" {
				t.Error(got)
			}
			if a, b, c := ext.Section("missing"); a != nil || b != nil || c != nil {
				t.Error("a missing section has infos")
			}
		})
	}
	var none *ExtInfos
	if a, b, c := none.Section("xdp"); a != nil || b != nil || c != nil {
		t.Error("nothing has infos")
	}
}

// Allocations don't grow with the number of infos.
func TestExtInfosAllocate(t *testing.T) {
	_, ext := loadObject(t, kindsObjects[0])
	testutil.Allocs(t, 3, func() { ext.Section(".text") })
}

// extBlob has one section, named by the string at offset 1, in each part.
func extBlob(bo binary.ByteOrder, funcs, lines, relos []uint32) []byte {
	var body []byte
	put := func(words ...uint32) {
		for _, w := range words {
			body = binary.LittleEndian.AppendUint32(body, w)
			if bo == binary.BigEndian {
				binary.BigEndian.PutUint32(body[len(body)-4:], w)
			}
		}
	}
	header := []uint32{32}
	for _, part := range []struct {
		size  uint32
		words []uint32
	}{{8, funcs}, {16, lines}, {16, relos}} {
		start := len(body)
		if len(part.words) > 0 {
			put(part.size, 1, uint32(len(part.words))*4/part.size)
			put(part.words...)
		}
		header = append(header, uint32(start), uint32(len(body)-start))
	}
	rest := body
	body = make([]byte, 4)
	bo.PutUint16(body, 0xeb9f)
	body[2] = 1
	put(header...)
	return append(body, rest...)
}

func TestExtInfosAreSorted(t *testing.T) {
	s := mustLoad(t, kindsObjects[0])
	ext, err := LoadExtInfos(extBlob(binary.LittleEndian, []uint32{16, 7, 0, 12, 8, 19}, nil, nil), s)
	if err != nil {
		t.Fatal(err)
	}
	name, err := s.Records().Name(1)
	if err != nil {
		t.Fatal(err)
	}
	funcs, _, _ := ext.Section(name)
	if got := fmt.Sprint(funcs[0].Offset, funcs[1].Offset, funcs[2].Offset); got != "0 8 16" {
		t.Error(got)
	}
}

func TestExtInfosRejects(t *testing.T) {
	s := mustLoad(t, kindsObjects[0])
	strs := s.Records().EndString()
	for name, tc := range map[string]struct {
		blob []byte
		want string
	}{
		"empty":           {nil, "too few"},
		"odd offset":      {extBlob(binary.LittleEndian, []uint32{4, 7}, nil, nil), "func info 0: offset 4"},
		"type ID":         {extBlob(binary.LittleEndian, []uint32{0, 9999}, nil, nil), "type ID 9999"},
		"file name":       {extBlob(binary.LittleEndian, nil, []uint32{0, strs, 1, 0}, nil), "line info 0: string offset"},
		"line":            {extBlob(binary.LittleEndian, nil, []uint32{0, 1, 0xffffffff, 0}, nil), "string offset 4294967295"},
		"accessor":        {extBlob(binary.LittleEndian, nil, nil, []uint32{0, 1, strs, 0}), "CO-RE relocation 0: string offset"},
		"relocation type": {extBlob(binary.LittleEndian, nil, nil, []uint32{0, 9999, 1, 0}), "type ID 9999"},
	} {
		if _, err := LoadExtInfos(tc.blob, s); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

func TestLoadKernelInfos(t *testing.T) {
	s := mustLoad(t, kindsObjects[1])
	bo := binary.BigEndian
	words := func(words ...uint32) io.Reader {
		var data []byte
		for _, w := range words {
			data = bo.AppendUint32(data, w)
		}
		return bytes.NewReader(data)
	}
	funcs, err := LoadFuncInfos(words(3, 7, 0, 12), bo, 2, s)
	if err != nil || len(funcs) != 2 || funcs[0].Offset != 0 || funcs[1].Offset != 24 || funcs[0].Func.Name() != "prog" {
		t.Errorf("functions: %v, %v", funcs, err)
	}
	lines, err := LoadLineInfos(words(2, 1, 1, 5<<10|6), bo, 1, s)
	if err != nil || len(lines) != 1 || lines[0].Offset != 16 || lines[0].Line.LineNumber() != 5 || lines[0].Line.LineColumn() != 6 {
		t.Errorf("lines: %v, %v", lines, err)
	}
	if _, err := LoadFuncInfos(words(1, 7), bo, 1<<31, s); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("too few functions: %v", err)
	}
	if _, err := LoadFuncInfos(words(1, 9999), bo, 1, s); !errors.Is(err, ErrNotFound) {
		t.Errorf("missing type: %v", err)
	}
	if _, err := LoadLineInfos(words(0, 1, 0xffffff, 0), bo, 1, s); err == nil {
		t.Error("missing string")
	}
}

func FuzzExtInfos(f *testing.F) {
	s := mustLoad(f, kindsObjects[0])
	f.Add(extBlob(binary.LittleEndian, []uint32{16, 7, 0, 12}, []uint32{0, 1, 1, 1}, []uint32{0, 2, 1, 0}))
	f.Add(extBlob(binary.BigEndian, []uint32{16, 7, 0, 12}, []uint32{0, 1, 1, 1}, []uint32{0, 2, 1, 0}))
	f.Fuzz(func(t *testing.T, data []byte) {
		ext, err := LoadExtInfos(data, s)
		if err != nil {
			return
		}
		name, err := s.Records().Name(1)
		if err != nil {
			t.Fatal(err)
		}
		funcs, lines, relos := ext.Section(name)
		for _, f := range funcs {
			if _, err := f.Func.Type(); err != nil {
				t.Error(err)
			}
		}
		for _, l := range lines {
			_ = l.Line.Position()
		}
		for _, r := range relos {
			_ = r.Relo.String()
		}
	})
}
