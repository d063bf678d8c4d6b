package btf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// plainType is what a walk by the letter of the format sees of a record.
type plainType struct {
	id, off uint32
	kind    Kind
	name    string
}

// plainWalk goes over the records of a blob without base up to the first that is
// malformed, one step at a time.
func plainWalk(blob []byte) (types []plainType) {
	var bo binary.ByteOrder = binary.LittleEndian
	if blob[0] == 0xeb {
		bo = binary.BigEndian
	}
	header := func(at int) uint32 { return bo.Uint32(blob[at:]) }
	body := blob[header(4):]
	records := body[header(8):][:header(12)]
	strs := body[header(16):][:header(20)]
	for off := 0; off+12 <= len(records); {
		p := records[off:]
		name, kind, vlen := bo.Uint32(p), Kind(p[7]), int(bo.Uint32(p[4:])&0xffffff)
		if bo == binary.BigEndian {
			kind = Kind(p[4])
		}
		kind &= 0x7f
		size := 12
		switch kind {
		case KindInt, KindVar, KindDeclTag:
			size += 4
		case KindArray:
			size += 12
		case KindStruct, KindUnion, KindDatasec, KindEnum64:
			size += 12 * vlen
		case KindEnum, KindFuncProto:
			size += 8 * vlen
		case KindPointer, KindFwd, KindTypedef, KindVolatile, KindConst, KindRestrict, KindFunc, KindFloat, KindTypeTag:
		default:
			return types
		}
		if size > len(records)-off {
			return types
		}
		t := plainType{id: uint32(len(types) + 1), off: uint32(off), kind: kind}
		if int64(name) < int64(len(strs)) {
			t.name = string(bytes.SplitN(strs[name:], []byte{0}, 2)[0])
		}
		types = append(types, t)
		off += size
	}
	return types
}

func plainFind(types []plainType, q Query) (ids []uint32) {
	for _, t := range types {
		name := t.name
		if q.Essential {
			name = EssentialName(name)
		}
		if q.Name != "" && name == q.Name && (q.Kinds == 0 || q.Kinds>>t.kind&1 != 0) {
			ids = append(ids, t.id)
		}
	}
	return ids
}

// agrees compares all ways to get at the records of blob with a plain walk.
func agrees(t *testing.T, blob []byte, queries []Query) {
	t.Helper()
	types := plainWalk(blob)
	open := func() *BTF {
		b, err := ParseMapped(blob, nil, func([]byte) {})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}

	b, seen := open(), 0
	Visit(b, func(id uint32, kind Kind, name []byte) bool {
		if seen == len(types) {
			t.Fatalf("visited type %d, a %v, after the last", id, kind)
		}
		if want := types[seen]; id != want.id || kind != want.kind || string(name) != want.name {
			t.Fatalf("visited type %d, a %v named %q, expected %+v", id, kind, name, want)
		}
		seen++
		return true
	})
	if seen != len(types) || b.NumTypes() != len(types) {
		t.Fatalf("visited %d types, have %d, expected %d", seen, b.NumTypes(), len(types))
	}
	want := make([][]uint32, len(queries))
	for i, q := range queries {
		want[i] = plainFind(types, q)
	}
	fresh := open() // its first search builds the index
	for i, b := range []*BTF{fresh, fresh, fresh, b} {
		for j, got := range b.FindAll(queries) {
			if !slices.Equal(got, want[j]) {
				t.Fatalf("search %d for %+v: got %v, expected %v", i, queries[j], got, want[j])
			}
		}
	}
	for _, b := range []*BTF{b, fresh} { // the latter may know only some so far
		for _, want := range types {
			if typ, err := b.Type(want.id); err != nil || typ.Offset() != want.off || typ.Kind() != want.kind {
				t.Fatalf("type %d is a %v at offset %d (%v), expected %+v", want.id, typ.Kind(), typ.Offset(), err, want)
			}
		}
	}
	if fresh.NumTypes() != len(types) {
		t.Fatalf("%d types after a search, expected %d", fresh.NumTypes(), len(types))
	}
}

// someQueries asks for some of the types, in different ways, and for what isn't there.
func someQueries(rng *rand.Rand, types []plainType, n int) []Query {
	queries := []Query{{Name: ""}, {Name: "no such type"}, {Name: "u8"}, {Name: "x"}}
	for range n {
		t := types[rng.IntN(len(types))]
		q := Query{Name: t.name, Essential: rng.IntN(2) == 0}
		if q.Essential {
			q.Name = EssentialName(q.Name)
		}
		if rng.IntN(2) == 0 {
			q.Kinds = t.kind.Set() | KindStruct.Set()
		}
		queries = append(queries, q)
	}
	return queries
}

func TestKernelAgreesWithPlainWalk(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF)
	blob, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	types := plainWalk(blob)
	for _, n := range []int{1, 40} {
		agrees(t, blob, someQueries(rng, types, n))
	}
	rare := someQueries(rng, types, 20) // which leave most records out
	for i := range rare {
		rare[i].Kinds = Kinds(KindStruct, KindTypedef)
	}
	agrees(t, blob, rare)
}

// A search that can't find more stops, and whoever needs the rest goes on.
func TestSearchStopsEarly(t *testing.T) {
	eachOrder(t, func(t *testing.T, bo order) {
		blob := newBlob(bo).typ(KindStruct, 0, 0, "first", 0)
		functions := func() {
			for range 20 * stretch {
				blob.typ(KindFuncProto, 0, 1, "", 0, 1, 1).typ(KindFunc, 0, 1, "f", 2)
			}
		}
		functions()
		blob.typ(KindTypedef, 0, 0, "last", 1)
		functions()
		whole := uint32(len(plainWalk(blob.bytes())))

		b, err := ParseMapped(blob.bytes(), nil, func([]byte) {})
		if err != nil {
			t.Fatal(err)
		}
		got := b.FindAll([]Query{{Name: "last", Kinds: KindTypedef.Set()}, {Name: "first", Kinds: KindStruct.Set()}})
		if want := fmt.Sprintf("[[%d] [1]]", 2+40*stretch); fmt.Sprint(got) != want {
			t.Errorf("found %v, want %s", got, want)
		}
		if known := b.idx.Load().count; known > whole/2+2*stretch {
			t.Errorf("went over %d of %d types", known, whole)
		}
		if typ, err := b.Type(whole); err != nil || typ.Kind() != KindFunc {
			t.Errorf("last type: %v, %v", typ.Kind(), err)
		}
		if known := b.idx.Load().count; known != whole || b.EndID() != whole+1 {
			t.Errorf("knows %d of %d types, last ID is %d", known, whole, b.EndID()-1)
		}
	})
}

// Records of random kinds and sizes, some of them broken: then all ends in front
// of the first of these.
func TestRandomRecordsAgreeWithPlainWalk(t *testing.T) {
	for name, bo := range orders {
		for seed := range uint64(10) {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 3))
				blob := randomBlob(rng, bo)
				if types := plainWalk(blob); len(types) > 0 {
					queries := someQueries(rng, types, 10)
					agrees(t, blob, queries)
					for i := range queries {
						queries[i].Kinds = Kinds(KindStruct, KindTypedef)
					}
					agrees(t, blob, queries)
				}
			})
		}
	}
}

func randomBlob(rng *rand.Rand, bo order) []byte {
	b := newBlob(bo)
	names := []string{"", "a", "ab", "abc", "abcd", "abc___d", "a___b", "task", "task___old", "multitask"}
	records := 1 + rng.IntN(20_000) // from few to more than are indexed one by one
	for n := range records {
		kind := Kind(1 + rng.IntN(int(numKinds)-1))
		if n > records/3 && rng.IntN(3000) > 0 { // as in kernels
			kind = []Kind{KindFunc, KindFuncProto}[rng.IntN(2)]
		}
		if rng.IntN(20_000) == 0 {
			kind = Kind(rng.IntN(128))
		}
		vlen, words := 0, 0
		if hasElems&(1<<kind) != 0 {
			vlen = rng.IntN(6)
		}
		switch kind {
		case KindInt, KindVar, KindDeclTag:
			words = 1
		case KindArray:
			words = 3
		case KindStruct, KindUnion, KindDatasec, KindEnum64:
			words = 3 * vlen
		case KindEnum, KindFuncProto:
			words = 2 * vlen
		}
		b.typ(kind, uint32(rng.IntN(2)), vlen, names[rng.IntN(len(names))], rng.Uint32())
		for range words {
			b.words(rng.Uint32N(100))
		}
	}
	if rng.IntN(4) == 0 {
		b.types = b.types[:len(b.types)-4*rng.IntN(4)]
	}
	return b.bytes()
}

// The table of sizes says what multiplying says.
func TestShortSizes(t *testing.T) {
	for kind := range uint32(128) {
		for _, vlen := range []uint32{0, 1, 2, 3, 14, 15, 16, 17, 31, 32, 255, 256, 4096, 0xffff, 0xfffff0, 0xffffff} {
			for flag := range uint32(2) {
				info := flag<<31 | kind<<24 | vlen
				if got, want := knownSizes.of(info), knownSizes.any(info); got != want {
					t.Errorf("kind %d with %d elements: got %d bytes, want %d", kind, vlen, got, want)
				}
			}
		}
	}
}
