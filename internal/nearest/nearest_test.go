package nearest

import (
	"slices"
	"strings"
	"testing"
)

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b        string
		limit, want int
	}{
		{"", "", 3, 0},
		{"map", "map", 3, 0},
		{"map", "mop", 3, 1},
		{"map", "maps", 3, 1},
		{"map", "ap", 3, 1},
		{"amp", "map", 3, 1},
		{"kitten", "sitting", 9, 3},
		{"kitten", "sitting", 2, 2},
		{"a", "", 1, 1},
		{"abc", "xyz", 2, 2},
		{"short", strings.Repeat("long", 100), 5, 5},
		{strings.Repeat("a", 300), strings.Repeat("a", 300), 5, 5},
	} {
		if got := Distance(test.a, test.b, test.limit); got != test.want {
			t.Errorf("%.20q to %.20q: %d, want %d", test.a, test.b, got, test.want)
		}
		if got := Distance(test.b, test.a, test.limit); got != test.want {
			t.Errorf("%.20q to %.20q: %d, want %d", test.b, test.a, got, test.want)
		}
	}
}

func TestNames(t *testing.T) {
	known := []string{"bpf_task_acquire", "bpf_task_release", "bpf_task_releases", "bpf_cpumask_acquire", "do_exit", "bpf_task_release"}
	for _, test := range []struct {
		name string
		max  int
		want string
	}{
		{"bpf_task_relaese", 3, "bpf_task_release bpf_task_releases"},
		{"bpf_task_releases", 1, "bpf_task_releases"},
		{"do_exti", 3, "do_exit"},
		{"unlike_any", 3, ""},
		{"", 3, ""},
	} {
		if got := strings.Join(Names(test.name, test.max, slices.Values(known)), " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	if got := Name("do_exti", slices.Values(known)); got != "do_exit" {
		t.Error(got)
	}
}

func TestFunctions(t *testing.T) {
	known := []string{"vfs_read", "vfs_readv", "do_filp_open.isra.0", "do_filp_open.cold", "__x64_sys_openat", "__ia32_sys_openat", "__do_sys_openat", "tcp_recv.constprop.0"}
	for name, want := range map[string]string{
		"vfs_reda":      "vfs_read",
		"do_filp_open":  "do_filp_open.isra.0",
		"sys_openat":    "__x64_sys_openat",
		"openat":        "__x64_sys_openat",
		"tcp_recv":      "tcp_recv.constprop.0",
		"nothing_alike": "",
	} {
		if got := strings.Join(Functions(name, 3, slices.Values(known)), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
