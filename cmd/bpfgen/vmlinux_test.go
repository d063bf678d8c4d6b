package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// compileC compiles a source for BPF.
func compileC(t *testing.T, source string) {
	t.Helper()
	if err := os.WriteFile("check.c", []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testutil.Clang(t), "-target", "bpf", "-O2", "-g", "-ferror-limit=20", "-Wall", "-Werror", "-Wno-visibility", "-c", "check.c", "-o", "check.o")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%.6000s", err, out)
	}
}

// assertions says of each type in a header how large it is and where its
// members are, by what BTF says.
func assertions(t *testing.T, spec *btf.Spec, header string) (source string, types int) {
	t.Helper()
	var b strings.Builder
	sameName := map[string]int{}
	for typ, err := range spec.All() {
		if err != nil {
			t.Fatal(err)
		}
		switch typ.(type) {
		case *btf.Struct, *btf.Union:
			sameName[typ.TypeName()]++
		}
	}
	for typ, err := range spec.All() {
		if err != nil {
			t.Fatal(err)
		}
		var (
			tag     string
			size    uint32
			members []btf.Member
		)
		switch v := typ.(type) {
		case *btf.Struct:
			tag, size, members = "struct "+v.Name, v.Size, v.Members
		case *btf.Union:
			tag, size, members = "union "+v.Name, v.Size, v.Members
		}
		if typ.TypeName() == "" || tag == "" || sameName[typ.TypeName()] > 1 || !strings.Contains(header, "\n"+tag+" {\n") {
			continue
		}
		types++
		fmt.Fprintf(&b, "_Static_assert(sizeof(%s) == %d, \"\");\n", tag, size)
		for _, m := range members {
			if m.Name != "" && m.BitfieldSize == 0 {
				fmt.Fprintf(&b, "_Static_assert(__builtin_offsetof(%s, %s) == %d, \"\");\n", tag, m.Name, m.Offset/8)
			}
		}
	}
	return b.String(), types
}

// The whole of the kernel's types compiles, each with the kernel's layout.
func TestVmlinux(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF)
	folder(t, nil)
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	if got := bpfgen(t, nil, "vmlinux", "-o", "vmlinux.h"); got.code != 0 || got.stdout != "" || got.stderr != "" {
		t.Fatalf("%+v", got)
	}
	header := tree(t)["vmlinux.h"]
	checks, types := assertions(t, spec, header)
	if types < 1000 {
		t.Errorf("only %d types in %d bytes", types, len(header))
	}
	compileC(t, "#include \"vmlinux.h\"\n"+checks)

	if again := bpfgen(t, nil, "vmlinux"); again.stdout != header {
		t.Error("the second time it is another header")
	}
}

// Only some types, and what they need.
func TestVmlinuxSome(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF)
	folder(t, nil)
	got := bpfgen(t, nil, "vmlinux", "task_struct", "pid_t", "bpf_map_type", "iphdr")
	if got.code != 0 || got.stderr != "" || len(got.stdout) > 500_000 {
		t.Fatalf("%d bytes, %d %s", len(got.stdout), got.code, got.stderr)
	}
	for _, want := range []string{"\nstruct task_struct {\n", "pid_t;\n", "\nenum bpf_map_type {\n\tBPF_MAP_TYPE_UNSPEC = 0,\n", "\nstruct iphdr {\n"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q", want)
		}
	}
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	checks, _ := assertions(t, spec, got.stdout)
	compileC(t, got.stdout+checks+"int f(struct task_struct *t) { return t->pid; }\n")
}

// Types of a file, with everything C can do to a layout.
func TestVmlinuxOfFile(t *testing.T) {
	const source = `
enum small { A = 1 } __attribute__((packed)); enum { ANON = 5 }; enum big { B = 0x1ffffffffULL };
typedef struct { int x; } unnamed; typedef int (*callback)(const char *const *, ...); typedef unsigned char bytes[3];
struct __attribute__((packed)) packed { char c; long l; unsigned b1 : 3, b2 : 30; unnamed u; };
struct __attribute__((aligned(64))) aligned { char c; enum small s; enum big b; };
struct bits { int a : 3; int : 5; int b : 20; int : 0; long c : 40; char d; int e __attribute__((aligned(16))); };
struct node { struct node *next; struct undefined *u; callback cb; int (*table[2])(struct node, union all *); const volatile int *const p; };
union all { struct node n; struct bits b; struct { int i; union { char c; float f; }; }; struct packed ps[2]; struct aligned a[1]; bytes y; __int128 wide; double d; _Bool t; enum { INSIDE } in; };
struct last { int n; struct { char c; struct bits *b; } *anon; char tail[]; };
union all all; struct last last; enum small small;
`
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	folder(t, nil)
	compileC(t, source)
	spec, err := btf.LoadSpec("check.o")
	if err != nil {
		t.Fatal(err)
	}
	got := bpfgen(t, nil, "vmlinux", "-btf", "check.o")
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("%+v", got)
	}
	checks, types := assertions(t, spec, got.stdout)
	if types < 6 {
		t.Errorf("only %d types:\n%s", types, got.stdout)
	}
	compileC(t, got.stdout+checks+"union all all;\n")

	if got := bpfgen(t, nil, "vmlinux", "-btf", "check.o", "missing"); got.code != 1 || !strings.Contains(got.stderr, "type missing: BTF has none of that name") {
		t.Errorf("%+v", got)
	}
	if got := bpfgen(t, nil, "vmlinux", "-btf", "check.c"); got.code != 1 || !strings.Contains(got.stderr, "read BTF: ") {
		t.Errorf("%+v", got)
	}
	t.Chdir(here)
	testutil.Golden(t, "vmlinux/layouts.h", []byte(got.stdout))
}
