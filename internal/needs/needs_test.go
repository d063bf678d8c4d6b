package needs_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/needs"
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

const objects = "../../testdata"

func report(t testing.TB, name string) *needs.Report {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(objects, name))
	if err != nil {
		t.Fatal(err)
	}
	obj, err := object.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return needs.Of(obj)
}

// What is behind a check of the kernel is optional, for either byte order; what
// isn't, or is on both sides of it, isn't.
func TestGuards(t *testing.T) {
	for _, name := range []string{"guards-el.o", "guards-eb.o"} {
		r := report(t, name)
		for _, test := range []struct{ need, guard string }{
			{"bpf_ktime_get_coarse_ns", "if (bpf_core_type_exists(struct ring___newer))"},
			{"bpf_get_current_ancestor_cgroup_id", "if (bpf_core_field_exists(struct task_struct, pid))"},
			{"bpf_get_smp_processor_id", "if (bpf_core_enum_value_exists(enum feature, FEATURE_NEW))"},
			{"bpf_get_current_task_btf", "if (bpf_task_acquire)"},
			{"bpf_get_attach_cookie", "if (wanted)"},
			{"bpf_ktime_get_tai_ns", "if (LINUX_KERNEL_VERSION >= 0x50f00)"},
			{"bpf_jiffies64", "if (CONFIG_SMP)"},
			{"bpf_rcu_read_lock", "the program is only loaded on request"},
			{"bpf_task_acquire", "it is weak: its address is 0 where it is missing"},
			{"bpf_get_ns_current_pid_tgid", ""},
			{"bpf_ktime_get_boot_ns", ""},
			{"bpf_get_current_cgroup_id", ""},
		} {
			i := slices.IndexFunc(r.Needs, func(n needs.Need) bool { return n.Name == test.need })
			if i < 0 {
				t.Errorf("%s: %s isn't needed", name, test.need)
				continue
			}
			if n := r.Needs[i]; n.Optional != (test.guard != "") || n.Optional && !strings.HasSuffix(n.Uses[0].Guard, test.guard) {
				t.Errorf("%s: %s: optional %v, guard %q, want %q", name, test.need, n.Optional, n.Uses[0].Guard, test.guard)
			}
		}
		if want := (uapi.KernelVersion{Major: 5, Minor: 8}); r.MinKernel != want {
			t.Errorf("%s: minimum kernel %v, want %v", name, r.MinKernel, want)
		}
	}
}

// Every object of ours gives the report that its source calls for.
func TestReports(t *testing.T) {
	for _, name := range []string{"maps-el.o", "programs-el.o", "isa-el.o", "structops-el.o", "arena-el.o", "ksyms-el.o", "legacy-el.o", "kconfig-el.o"} {
		got, err := json.MarshalIndent(report(t, name), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		testutil.Golden(t, name+".json", append(got, '\n'))
	}
}

// All objects, hostile ones included, give a report without a panic.
func FuzzOf(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(objects, "*-el.o"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		obj, err := object.Parse(data)
		if err != nil {
			return
		}
		r := needs.Of(obj)
		for _, n := range r.Needs {
			if len(n.Uses) == 0 {
				t.Errorf("%s %s is used nowhere", n.Kind, n.Name)
			}
		}
	})
}
