package btf

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

func TestVisit(t *testing.T) {
	number := &Int{Name: "int", Size: 4}
	s, err := LoadSpecFromBytes(mustMarshal(t, []Type{
		&Struct{Name: "pair", Size: 8, Members: []Member{{Name: "a", Type: number}, {Name: "b", Type: number, Offset: 32}}},
		&Pointer{Target: number},
	}))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]TypeID{}
	s.Visit(func(id TypeID, kind Kind, name []byte) bool {
		if ref := s.Ref(id); ref.Kind() != kind || ref.Name() != string(name) {
			t.Errorf("%d is %s %q, its reference says %s %q", id, kind, name, ref.Kind(), ref.Name())
		}
		got[fmt.Sprintf("%s %s", kind, name)]++
		return true
	})
	if diff := cmp.Diff(map[string]TypeID{"int int": 1, "struct pair": 1, "pointer ": 1}, got); diff != "" {
		t.Error(diff)
	}
	visited := 0
	s.Visit(func(TypeID, Kind, []byte) bool { visited++; return false })
	if visited != 1 {
		t.Errorf("%d visited after the end", visited)
	}
	testutil.Allocs(t, 0, func() {
		s.Visit(func(TypeID, Kind, []byte) bool { visited++; return true })
	})
	if kind := s.Ref(1000).Kind(); kind != KindVoid {
		t.Errorf("a missing type is a %s", kind)
	}
}
