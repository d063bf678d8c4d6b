package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const helperProgram = `//go:build ignore
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/usdt.bpf.h>

SEC("usdt") int BPF_USDT(probe, long a)
{
	bpf_printk("%d", a);
	return 0;
}

char _license[] SEC("license") = "GPL";
`

// smallVmlinux is as much of the kernel's types as the headers need.
const smallVmlinux = `#define __VMLINUX_H__
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2 };
struct pt_regs { unsigned long ip; };
`

// Where clang finds no headers of the system, it finds ours; whatever folder they
// are in, the output is the same, and verify needs no such folder.
func TestOwnHeaders(t *testing.T) {
	env := goEnv(t)
	var outputs []map[string]string
	for _, args := range [][]string{{"--", "-nostdinc"}, {"--", "-nostdinc"}, {"no home", "--", "-nostdinc"}} {
		cache := filepath.Join(t.TempDir(), "cache")
		folder(t, map[string]string{
			"go.mod": goMod, "prog.c": helperProgram, "vmlinux.h": smallVmlinux,
			"main.go": "package main\n\n//go:generate bpfgen -target amd64 Snoop prog.c -- -nostdinc\n\nfunc main() {}\n",
		})
		t.Setenv("XDG_CACHE_HOME", cache)
		if args[0] == "no home" {
			args = args[1:]
			t.Setenv("XDG_CACHE_HOME", "/proc/no/such/folder")
		}
		got := bpfgen(t, nil, append([]string{"-target", "amd64", "Snoop", "prog.c"}, args...)...)
		if got.code != 0 || got.stderr != "" {
			t.Fatalf("%+v", got)
		}
		files := tree(t)
		outputs = append(outputs, files)
		if m := files["snoop_x86_bpfel.bpfgen"]; !strings.Contains(m, " $BPFGEN/bpf/bpf_helpers.h\n") || strings.Contains(m, cache) {
			t.Errorf("the manifest is\n%s", m)
		}
		if o := files["snoop_x86_bpfel.o"]; !strings.Contains(o, "bpfgen/bpf/usdt.bpf.h") || strings.Contains(o, cache) {
			t.Error("line info doesn't have our header, or where it was")
		}
		if err := os.RemoveAll(cache); err != nil {
			t.Fatal(err)
		}
		if got := bpfgen(t, env, "verify"); got.code != 0 {
			t.Errorf("verify: %+v", got)
		}
	}
	for _, other := range outputs[1:] {
		if diff := cmp.Diff(outputs[0], other); diff != "" {
			t.Error(diff)
		}
	}
}

// Headers of the system come first, or not, as -own-headers says.
func TestHeadersOfTheSystem(t *testing.T) {
	for _, test := range []struct{ flag, want string }{
		{"-untyped", "system/bpf/bpf_endian.h"}, {"-own-headers", "$BPFGEN/bpf/bpf_endian.h"},
	} {
		folder(t, map[string]string{
			"prog.c":                  strings.Replace(program, "\n", "\n#include <bpf/bpf_endian.h>\n", 1),
			"system/bpf/bpf_endian.h": "",
		})
		got := bpfgen(t, nil, test.flag, "Snoop", "prog.c", "--", "-isystem", "system")
		if m := tree(t)["snoop.bpfgen"]; got.code != 0 || !strings.Contains(m, " "+test.want+"\n") {
			t.Errorf("%s: %+v\n%s", test.flag, got, m)
		}
	}
}

// What nobody has is said where to get.
func TestMissingHeaders(t *testing.T) {
	for include, want := range map[string]string{
		"<linux/bpf.h>":  "bpfgen: <linux/bpf.h> is one of the kernel's headers for user space: install linux-libc-dev (Debian",
		`"vmlinux.h"`:    "bpfgen: bpfgen vmlinux -o vmlinux.h writes",
		"<something.h>":  "",
		`"inc/linux.h"`:  "",
		`"../vmlinux.h"`: "bpfgen: bpfgen vmlinux",
	} {
		folder(t, map[string]string{"prog.c": "#include " + include + "\n"})
		got := bpfgen(t, nil, "Snoop", "prog.c", "--", "-nostdinc")
		if got.code != 1 || !strings.Contains(got.stderr, "file not found") || !strings.Contains(got.stderr, want) || want == "" && strings.Contains(got.stderr, "bpfgen:") {
			t.Errorf("%s: %+v", include, got)
		}
	}
}
