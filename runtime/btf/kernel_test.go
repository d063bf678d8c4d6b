package btf

import (
	"syscall"
	"testing"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
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
	n := 0
	for _, p := range s.pages {
		if p != nil {
			for _, t := range p {
				if t != nil {
					n++
				}
			}
		}
	}
	types, strs := s.raw.Size()
	s.TypeByID(TypeID(id))
	b.Log(types, strs, n)
}

// cpu reports user and system time, which other load on the machine disturbs
// less than it does wall-clock time.
func cpu(b *testing.B) func() {
	used := func() int64 {
		var ru syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
		return ru.Utime.Nano() + ru.Stime.Nano()
	}
	start := used()
	return func() { b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op") }
}
