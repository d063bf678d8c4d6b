package btf

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestEssentialName(t *testing.T) {
	for name, want := range map[string]string{
		"":               "",
		"task":           "task",
		"task___":        "task___",
		"task___v2":      "task",
		"task___a___b":   "task___a",
		"___v2":          "___v2",
		"task____v2":     "task____v2", // four underscores separate nothing
		"a___b":          "a",
		"task___v2___":   "task",
		"__task__struct": "__task__struct",
	} {
		if got := EssentialName(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
		if got := string(EssentialName([]byte(name))); got != want {
			t.Errorf("%q as bytes: got %q, want %q", name, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	eachOrder(t, func(t *testing.T, bo order) {
		data := newBlob(bo).
			typ(KindStruct, 0, 0, "task", 0).
			typ(KindTypedef, 0, 0, "task", 1).
			typ(KindStruct, 0, 0, "task___old", 0).
			typ(KindStruct, 0, 0, "multitask", 0).
			typ(KindStruct, 0, 0, "x", 0).
			typ(KindStruct, 0, 0, "", 0).
			words(1+2, uint32(KindFwd)<<24, 0). // "sk": the end of task
			typ(KindFwd, 0, 0, "task", 0)
		b := mustParse(t, data.bytes(), nil)
		for _, tc := range []struct {
			q    Query
			want []uint32
		}{
			{Query{Name: "task"}, []uint32{1, 2, 8}},
			{Query{Name: "task", Kinds: KindStruct.Set()}, []uint32{1}},
			{Query{Name: "task", Kinds: Kinds(KindFwd, KindTypedef)}, []uint32{2, 8}},
			{Query{Name: "task", Essential: true}, []uint32{1, 2, 3, 8}},
			{Query{Name: "task___old"}, []uint32{3}},
			{Query{Name: "task___old", Essential: true}, nil},
			{Query{Name: "multitask"}, []uint32{4}},
			{Query{Name: "sk"}, []uint32{7}},
			{Query{Name: "k"}, nil},
			{Query{Name: "x"}, []uint32{5}},
			{Query{Name: ""}, nil},
			{Query{Name: "tas"}, nil},
			{Query{Name: "a name longer than all of the strings there are in this table, by some margin"}, nil},
		} {
			if got := b.Find(tc.q); !slices.Equal(got, tc.want) {
				t.Errorf("%+v: got %v, want %v", tc.q, got, tc.want)
			}
		}
	})
}

// Whatever combination of queries is asked, the answer is the one that a look
// at each type gives.
func TestFindAllAgreesWithNaiveSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	alphabet := []string{"a", "b", "_", "__", "___", "ab", "task", "x"}
	name := func() (s string) {
		for range rng.IntN(6) {
			s += alphabet[rng.IntN(len(alphabet))]
		}
		return s
	}
	for round := range 50 {
		data := newBlob(binary.LittleEndian)
		for range 200 {
			data.typ(Kind(3+4*rng.IntN(2)+1), 0, 0, name(), 0) // struct or typedef
		}
		raw := data.bytes()
		b := mustParse(t, raw, nil)
		mapped, err := ParseMapped(raw, nil, func([]byte) {})
		if err != nil {
			t.Fatal(err)
		}
		queries := make([]Query, 1+rng.IntN(20))
		for i := range queries {
			queries[i] = Query{Name: name(), Essential: rng.IntN(2) == 0}
			if rng.IntN(3) == 0 || round%2 == 0 {
				queries[i].Kinds = []KindSet{KindStruct.Set(), KindTypedef.Set(), Kinds(KindStruct, KindTypedef)}[rng.IntN(3)]
			}
		}
		want := make([][]uint32, len(queries))
		for typ := range b.All() {
			name, _ := typ.Name()
			for i, q := range queries {
				same := name == q.Name
				if q.Essential {
					same = EssentialName(name) == q.Name
				}
				if same && q.Name != "" && q.Kinds.Has(typ.Kind()) {
					want[i] = append(want[i], typ.ID())
				}
			}
		}
		for _, b := range []*BTF{b, b, b, mapped, mapped, mapped} { // from the third time on there may be a table
			if got := b.FindAll(queries); fmt.Sprint(got) != fmt.Sprint(want) {
				for i := range got {
					if !slices.Equal(got[i], want[i]) {
						t.Errorf("round %d: %+v: got %v, want %v", round, queries[i], got[i], want[i])
					}
				}
			}
		}
	}
}
