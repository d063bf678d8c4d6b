package btf

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// extBlob has a header of the given length followed by parts, which are words.
func extBlob(bo order, hdrLen int, parts ...[]uint32) []byte {
	data := append(bo.AppendUint16(nil, magic), 1, 0)
	data = bo.AppendUint32(data, uint32(hdrLen))
	off := 0
	for _, p := range parts {
		data = bo.AppendUint32(bo.AppendUint32(data, uint32(off)), uint32(4*len(p)))
		off += 4 * len(p)
	}
	data = append(data, make([]byte, max(0, hdrLen-len(data)))...)
	for _, p := range parts {
		for _, w := range p {
			data = bo.AppendUint32(data, w)
		}
	}
	return data
}

func TestParseExt(t *testing.T) {
	eachOrder(t, func(t *testing.T, bo order) {
		e, err := ParseExt(extBlob(bo, extFullHeaderLen,
			[]uint32{8, 1, 2, 0, 10, 8, 11, 3, 1, 16, 12},      // two sections
			[]uint32{20, 1, 2, 8, 1, 2, 3, 99, 0, 4, 5, 6, 99}, // larger records, out of order
			[]uint32{16, 1, 1, 24, 5, 6, 7}))
		if err != nil {
			t.Fatal(err)
		}
		funcs := e.Funcs()
		if len(funcs) != 2 || funcs[0].NameOff != 1 || funcs[1].NameOff != 3 || funcs[0].Len() != 2 || funcs[1].Len() != 1 {
			t.Fatalf("functions: %+v", funcs)
		}
		if got := funcs[0].Func(1); got != (FuncInfo{8, 11}) {
			t.Errorf("function: %+v", got)
		}
		if got := funcs[1].Func(0); got != (FuncInfo{16, 12}) {
			t.Errorf("function: %+v", got)
		}
		lines := e.Lines()
		if len(lines) != 1 || lines[0].Len() != 2 || lines[0].Line(1) != (LineInfo{0, 4, 5, 6}) {
			t.Errorf("lines: %+v", lines)
		}
		relos := e.CORERelos()
		if len(relos) != 1 || relos[0].CORERelo(0) != (CORERelo{24, 5, 6, 7}) {
			t.Errorf("relocations: %+v", relos)
		}
	})
	// Old compilers had no relocations.
	e, err := ParseExt(extBlob(orders["el"], extHeaderLen, []uint32{8, 1, 1, 0, 1}, nil))
	if err != nil || len(e.Funcs()) != 1 || e.Lines() != nil || e.CORERelos() != nil {
		t.Errorf("short header: %+v, %v", e, err)
	}
}

func TestParseExtRejects(t *testing.T) {
	bo := orders["el"]
	funcs := func(words ...uint32) []byte { return extBlob(bo, extFullHeaderLen, words, nil, nil) }
	patch := func(off int, with ...byte) []byte {
		data := funcs(8, 1, 1, 0, 1)
		copy(data[off:], with)
		return data
	}
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"empty":             {nil, "too few"},
		"magic":             {patch(0, 1), "magic"},
		"version":           {patch(2, 9), "version 9"},
		"short header":      {patch(4, 23), "header length 23"},
		"long header":       {patch(4, 0xff, 0xff, 0xff, 0xff), "header length"},
		"part past the end": {patch(8, 0xff, 0xff, 0xff, 0xff), "larger than"},
		"cut record size":   {patch(12, 3), "record size is cut off"},
		"no record size":    {funcs(0, 1, 1), "record size 0"},
		"small records":     {funcs(4, 1, 1, 0), "record size 4"},
		"odd record size":   {funcs(9, 1, 1, 0, 0, 0), "record size 9"},
		"cut section":       {funcs(8, 1), "section header is cut off"},
		"empty section":     {funcs(8, 1, 0), "no records"},
		"too many records":  {funcs(8, 1, 2, 0, 1), "past the end"},
		"count overflows":   {funcs(0x80000000, 1, 0xffffffff, 0, 1), "past the end"},
	} {
		_, err := ParseExt(tc.data)
		var malformed *Error
		if !errors.As(err, &malformed) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

func FuzzParseExt(f *testing.F) {
	for _, bo := range orders {
		f.Add(extBlob(bo, extFullHeaderLen, []uint32{8, 1, 2, 0, 10, 8, 11}, []uint32{20, 1, 1, 8, 1, 2, 3, 99}, []uint32{16, 1, 1, 24, 5, 6, 7}))
		f.Add(extBlob(bo, extHeaderLen, []uint32{8, 1, 1, 0, 1}, nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ParseExt(data)
		if err != nil {
			return
		}
		for _, s := range e.Funcs() {
			for i := range s.Len() {
				s.Func(i)
			}
		}
		for _, s := range e.Lines() {
			for i := range s.Len() {
				s.Line(i)
			}
		}
		for _, s := range e.CORERelos() {
			for i := range s.Len() {
				s.CORERelo(i)
			}
		}
	})
}

// What MarshalExt writes, ParseExt reads.
func TestMarshalExt(t *testing.T) {
	eachOrder(t, func(t *testing.T, bo order) {
		funcs := []ExtRecords[FuncInfo]{{1, []FuncInfo{{0, 7}, {16, 8}}}, {5, nil}, {9, []FuncInfo{{8, 2}}}}
		lines := []ExtRecords[LineInfo]{{1, []LineInfo{{0, 20, 30, 4<<10 | 2}}}}
		relos := []ExtRecords[CORERelo]{{9, []CORERelo{{8, 3, 40, 5}}}}
		ext, err := ParseExt(MarshalExt(bo, funcs, lines, relos))
		if err != nil {
			t.Fatal(err)
		}
		if s := ext.Funcs(); len(s) != 2 || s[0].NameOff != 1 || s[0].Len() != 2 || s[0].Func(1) != (FuncInfo{16, 8}) || s[1].NameOff != 9 || s[1].Func(0) != (FuncInfo{8, 2}) {
			t.Errorf("funcs: %+v", s)
		}
		if s := ext.Lines(); len(s) != 1 || s[0].Len() != 1 || s[0].Line(0) != lines[0].Records[0] {
			t.Errorf("lines: %+v", s)
		}
		if s := ext.CORERelos(); len(s) != 1 || s[0].NameOff != 9 || s[0].CORERelo(0) != relos[0].Records[0] {
			t.Errorf("CO-RE relocations: %+v", s)
		}
		if ext, err = ParseExt(MarshalExt(bo, nil, lines, nil)); err != nil || len(ext.Funcs()) != 0 || len(ext.Lines()) != 1 {
			t.Errorf("lines alone: %v", err)
		}
	})
	if data := MarshalExt(binary.LittleEndian, nil, nil, nil); data != nil {
		t.Errorf("nothing takes %d bytes", len(data))
	}
}
