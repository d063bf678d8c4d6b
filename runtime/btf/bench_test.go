package btf

import (
	"os"
	"syscall"
	"testing"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/elf"
)

func BenchmarkOpenAndFind(b *testing.B) {
	for _, name := range []string{"task_struct", "u32", "sched_process_exec", "bpf_map"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				s, err := LoadKernelSpec()
				if err != nil {
					b.Fatal(err)
				}
				refs, _ := s.RefsByName(name)
				_ = refs
			}
		})
		b.Run(name+"/inflate", func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				s, err := LoadKernelSpec()
				if err != nil {
					b.Fatal(err)
				}
				ts, _ := s.AnyTypesByName(name)
				_ = ts
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		s, err := LoadKernelSpec()
		if err != nil {
			b.Fatal(err)
		}
		_ = s
	}
}

func BenchmarkVisit(b *testing.B) {
	b.Run("records", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		s, _ := LoadKernelSpec()
		n := 0
		for b.Loop() {
			for t := range s.Records().All() {
				n += int(t.Kind())
			}
		}
	})
	b.Run("refs", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		s, _ := LoadKernelSpec()
		n := 0
		for b.Loop() {
			for t := range s.Refs() {
				n += int(t.ID())
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			s, _ := LoadKernelSpec()
			for _, err := range s.All() {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

func BenchmarkInflate(b *testing.B) {
	s, err := LoadKernelSpec()
	if err != nil {
		b.Fatal(err)
	}
	id := s.Records().Find(rawbtf.Query{Name: "task_struct", Kinds: rawbtf.KindStruct.Set()})[0]
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		s := NewSpec(s.raw, nil)
		if _, err := s.TypeByID(TypeID(id)); err != nil {
			b.Fatal(err)
		}
	}
}

// cpu reports user and system time, which other load on the machine disturbs
// less than it does wall-clock time.
func cpu(b *testing.B) func() {
	used := func() (user, sys int64) {
		var ru syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
		return ru.Utime.Nano(), ru.Stime.Nano()
	}
	user, sys := used()
	return func() {
		u, s := used()
		b.ReportMetric(float64(u-user)/float64(b.N), "user-ns/op")
		b.ReportMetric(float64(s-sys)/float64(b.N), "sys-ns/op")
	}
}

// What a loader does with the types of an object.
func BenchmarkObject(b *testing.B) {
	f, err := os.ReadFile(nativeObject)
	if err != nil {
		b.Fatal(err)
	}
	file, err := elf.Parse(f)
	if err != nil {
		b.Fatal(err)
	}
	types, err := file.Data(file.Section(".BTF"))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := LoadSpecFromBytes(types); err != nil {
				b.Fatal(err)
			}
		}
	})
	s, err := LoadSpecFromBytes(types)
	if err != nil {
		b.Fatal(err)
	}
	refs, err := s.RefsByName("prog")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("find", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.RefsByName("prog"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("trim", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var builder Builder
			if _, err := builder.AddRef(refs[0]); err != nil {
				b.Fatal(err)
			}
			if _, err := builder.Marshal(nil, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("copy all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var builder Builder
			if err := builder.AddSpec(s); err != nil {
				b.Fatal(err)
			}
			if _, err := builder.Marshal(nil, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
