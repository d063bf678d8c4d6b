package ebpf

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// hidden Size: readers of unknown size are read to their end.
type onlyReaderAt struct{ r *bytes.Reader }

func (o onlyReaderAt) ReadAt(p []byte, off int64) (int, error) { return o.r.ReadAt(p, off) }

// The same bytes give the same spec, whoever reads them.
func TestLoadCollectionSpecFromReader(t *testing.T) {
	file := objectFile("maps")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := parse(t, file)
	for name, rd := range map[string]interface {
		ReadAt([]byte, int64) (int, error)
	}{"bytes": bytes.NewReader(data), "file": f, "reader": onlyReaderAt{bytes.NewReader(data)}} {
		spec, err := LoadCollectionSpecFromReader(rd)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(spec.Maps) != len(want.Maps) || spec.Maps["hash"].String() != want.Maps["hash"].String() {
			t.Errorf("%s: %v", name, spec.Maps)
		}
	}
}

func TestLoadCollectionSpecErrors(t *testing.T) {
	if _, err := LoadCollectionSpec("no/such/file.o"); !os.IsNotExist(err) {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "not.o")
	if err := os.WriteFile(file, []byte("not an ELF"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadCollectionSpec(file); err == nil || !strings.HasPrefix(err.Error(), "file "+file+": ") {
		t.Error(err)
	}
	if _, err := LoadCollectionSpecFromReader(bytes.NewReader(nil)); err == nil {
		t.Error("nothing is an object")
	}
}

// Parsing is the same on every machine: a foreign byte order is no obstacle.
func TestForeignSpec(t *testing.T) {
	spec := parse(t, foreignFile("minimal"))
	if spec.Maps["my_map"].Type != Hash || spec.Programs["my_prog"].Type != SocketFilter || sameOrder(spec.ByteOrder, parse(t, objectFile("minimal")).ByteOrder) {
		t.Error(spec)
	}
	_, err := NewCollection(spec)
	if err == nil || !strings.Contains(err.Error(), `program "my_prog" (section "socket"): it is compiled for `) {
		t.Error(err)
	}
}

func TestMapSpecAttributes(t *testing.T) {
	spec := parse(t, objectFile("maps"))
	for _, c := range []struct {
		name string
		want MapSpec
	}{
		{"hash", MapSpec{Type: Hash, KeySize: 8, ValueSize: 8, MaxEntries: 64, Flags: uapi.MapFlagNoPrealloc}},
		{"untyped", MapSpec{Type: Hash, KeySize: 4, ValueSize: 24, MaxEntries: 8}},
		{"lru_on_node", MapSpec{Type: LRUHash, KeySize: 8, ValueSize: 4, MaxEntries: 128, Flags: uapi.MapFlagNUMANode}},
		{"bloom", MapSpec{Type: BloomFilter, ValueSize: 4, MaxEntries: 100, MapExtra: 3}},
		{"pinned", MapSpec{Type: Hash, KeySize: 4, ValueSize: 8, MaxEntries: 2, Pinning: PinByName}},
	} {
		got := *spec.Maps[c.name]
		if got.Name != c.name || got.Type != c.want.Type || got.KeySize != c.want.KeySize || got.ValueSize != c.want.ValueSize ||
			got.MaxEntries != c.want.MaxEntries || got.Flags != c.want.Flags || got.MapExtra != c.want.MapExtra || got.Pinning != c.want.Pinning {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	hash := spec.Maps["hash"]
	if key, ok := btf.As[*btf.Struct](hash.Key); !ok || key.Name != "pair" {
		t.Error(hash.Key)
	}
	if spec.Maps["untyped"].Key != nil || spec.Maps["untyped"].Value != nil {
		t.Error("an untyped map has types")
	}
}

func TestVariableSpec(t *testing.T) {
	spec := parse(t, objectFile("data"))
	pid := spec.Variables["target_pid"]
	if !pid.Constant() || pid.SectionName != ".rodata" || pid.Size() != 4 || pid.Type == nil || pid.Type.Name != "target_pid" {
		t.Error(pid)
	}
	if spec.Variables["counter"].Constant() {
		t.Error("counter is a constant")
	}
	var v uint32
	if err := pid.Get(&v); err != nil || v != 42 {
		t.Error(v, err)
	}
	if err := pid.Set(uint32(7)); err != nil {
		t.Error(err)
	}
	data := spec.Maps[".rodata"].Contents[0].Value.([]byte)
	if !bytes.Equal(data[pid.Offset:][:4], u32(7)) {
		t.Error("the contents of the map don't change with the variable")
	}
	type config struct {
		ID    uint32
		Level uint32
		Name  [16]byte
		Range struct{ Lo, Hi uint16 }
	}
	var c config
	if err := spec.Variables["config"].Get(&c); err != nil || c.ID != 7 || c.Level != 7 || string(c.Name[:7]) != "default" || c.Range.Hi != 1024 {
		t.Error(c, err)
	}
	if got, want := errorText(pid.Set(uint64(1))), `set variable "target_pid": uint64 has 8 bytes, needed are 4`; got != want {
		t.Error(got)
	}
	if got, want := errorText(pid.Get(new(uint64))), `get variable "target_pid": uint64 has 8 bytes, needed are 4`; got != want {
		t.Error(got)
	}
	dup := pid.Copy()
	if err := dup.Set(uint32(8)); err != nil {
		t.Error(err)
	}
	if err := pid.Get(&v); err != nil || v != 7 {
		t.Error("setting a copy changes the original:", v, err)
	}
}

// Changing anything in a copy leaves the original alone.
func TestCopyIsDeep(t *testing.T) {
	for _, name := range []string{"data", "nested", "maps"} {
		t.Run(name, func(t *testing.T) {
			spec, fresh := parse(t, objectFile(name)), parse(t, objectFile(name))
			dup := spec.Copy()
			for _, m := range dup.Maps {
				m.Name += "!"
				m.MaxEntries++
				for i := range m.Contents {
					if b, ok := m.Contents[i].Value.([]byte); ok {
						for j := range b {
							b[j]++
						}
					} else {
						m.Contents[i].Value = "changed"
					}
				}
				if m.InnerMap != nil {
					m.InnerMap.ValueSize++
				}
			}
			for _, v := range dup.Variables {
				for i := range v.Value {
					v.Value[i] += 7
				}
				v.Offset++
			}
			for _, p := range dup.Programs {
				p.Type = Kprobe
				clear(p.Instructions)
			}
			delete(dup.Programs, "sum")
			compareSpecs(t, spec, fresh)
		})
	}
	if (*CollectionSpec)(nil).Copy() != nil || (*MapSpec)(nil).Copy() != nil || (*ProgramSpec)(nil).Copy() != nil || (*VariableSpec)(nil).Copy() != nil {
		t.Error("the copy of nil isn't nil")
	}
}

func compareSpecs(t *testing.T, got, want *CollectionSpec) {
	t.Helper()
	for name, m := range want.Maps {
		g := got.Maps[name]
		if g.Name != m.Name || g.MaxEntries != m.MaxEntries || (m.InnerMap != nil && g.InnerMap.ValueSize != m.InnerMap.ValueSize) {
			t.Errorf("map %s: %v", name, g)
		}
		for i, kv := range m.Contents {
			if b, ok := kv.Value.([]byte); ok && !bytes.Equal(b, g.Contents[i].Value.([]byte)) || !ok && kv.Value != g.Contents[i].Value {
				t.Errorf("map %s: contents %v", name, g.Contents)
			}
		}
	}
	for name, v := range want.Variables {
		if g := got.Variables[name]; !bytes.Equal(g.Value, v.Value) || g.Offset != v.Offset {
			t.Errorf("variable %s: %v", name, g)
		}
	}
	for name, p := range want.Programs {
		if g := got.Programs[name]; g == nil || g.Type != p.Type || g.Instructions[0].OpCode != p.Instructions[0].OpCode {
			t.Errorf("program %s: %v", name, g)
		}
	}
}

// A copy's variables are those of its own maps.
func TestCopiedVariablesShareTheirMap(t *testing.T) {
	dup := parse(t, objectFile("data")).Copy()
	pid := dup.Variables["target_pid"]
	if err := pid.Set(uint32(99)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(dup.Maps[".rodata"].bytes()[pid.Offset:][:4], u32(99)) {
		t.Error("they have memory of their own")
	}
}

// Static functions can share a name, as linked objects have them.
func TestProgramsOfOneName(t *testing.T) {
	cs := &CollectionSpec{Programs: make(map[string]*ProgramSpec)}
	programs := []*object.Program{
		{Name: "f", Section: "tc", Static: true}, {Name: "f", Section: "xdp"}, {Name: "f", Section: "socket", Static: true},
	}
	if err := cs.addPrograms(&object.Object{Programs: programs}, make([]ProgramSpec, len(programs))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"f", "f@socket", "f@tc"}, sortedKeys(cs.Programs)); diff != "" {
		t.Error(diff)
	}
	if got := cs.Programs["f"].SectionName; got != "xdp" {
		t.Error("the name belongs to the one in", got)
	}
	err := cs.addPrograms(&object.Object{Programs: programs[1:2]}, make([]ProgramSpec, 1))
	if want := `program "f" is declared twice, in sections "xdp" and "xdp"`; errorText(err) != want {
		t.Error(err)
	}
}

// Parsing allocates for what an object declares, not for what is in it.
func TestLoadCollectionSpecAllocs(t *testing.T) {
	for name, most := range map[string]float64{"minimal": 30, "data": 110, "programs": 48} {
		data, err := os.ReadFile(objectFile(name))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			testutil.Allocs(t, most, func() {
				if _, err := LoadCollectionSpecFromReader(bytes.NewReader(data)); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkLoadCollectionSpec(b *testing.B) {
	for _, name := range []string{"minimal", "data", "maps", "programs"} {
		data, err := os.ReadFile(objectFile(name))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := LoadCollectionSpecFromReader(bytes.NewReader(data)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A string is used in place, from its beginning, and the reader stays where it is.
func TestLoadCollectionSpecFromString(t *testing.T) {
	data, err := os.ReadFile(objectFile("minimal"))
	if err != nil {
		t.Fatal(err)
	}
	rd := strings.NewReader(string(data))
	if _, err := rd.Seek(7, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	spec, err := LoadCollectionSpecFromReader(rd)
	if err != nil {
		t.Fatal(err)
	}
	if rd.Len() != len(data)-7 {
		t.Errorf("%d bytes are left to read, want %d", rd.Len(), len(data)-7)
	}
	copied, err := LoadCollectionSpecFromReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for name, ps := range copied.Programs {
		if got, want := fmt.Sprint(spec.Programs[name].Instructions), fmt.Sprint(ps.Instructions); got != want {
			t.Errorf("program %s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}
