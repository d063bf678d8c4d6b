package bpfheaders

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/testutil"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// prototypes reads helpers.txt: helpers by name.
func prototypes(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("helpers.txt")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		declarator, _, ok := strings.Cut(line, "(")
		if !ok {
			t.Fatalf("no prototype: %s", line)
		}
		found[declarator[strings.LastIndexAny(declarator, " *")+1:]] = line
	}
	return found
}

// structsOf returns the structs that prototypes name, in their order.
func structsOf(lines []string) []string {
	var names []string
	seen := map[string]bool{}
	for _, line := range lines {
		for words := strings.Fields(strings.NewReplacer("(", " ", ")", " ", "*", " ", ",", " ").Replace(line)); len(words) > 1; words = words[1:] {
			if words[0] == "struct" && !seen[words[1]] {
				seen[words[1]] = true
				names = append(names, words[1])
			}
		}
	}
	return names
}

// bpf_helper_defs.h is made of helpers.txt and the table of runtime/asm: every
// helper, with its number. Run with -update after a change of either.
func TestHelperDefs(t *testing.T) {
	known := prototypes(t)
	var lines, prototypes []string
	for fn := asm.FnUnspec + 1; fn.Name() != ""; fn++ {
		line, ok := known[fn.Name()]
		if !ok {
			t.Fatalf("helpers.txt doesn't have %s", fn.Name())
		}
		delete(known, fn.Name())
		prototypes = append(prototypes, line)
		pointer := strings.Replace(line, fn.Name()+"(", "(* const "+fn.Name()+")(", 1)
		if fn == asm.FnGetSmpProcessorId {
			pointer = "___bpf_fastcall " + pointer // the verifier knows what it leaves alone
		}
		major, minor := fn.MinKernel()
		lines = append(lines, fmt.Sprintf("static %s = (void *)%d; /* Linux %d.%d */", pointer, uint32(fn), major, minor))
	}
	for name := range known {
		t.Errorf("helpers.txt has %s, which is no helper", name)
	}

	var b bytes.Buffer
	b.WriteString("/* SPDX-License-Identifier: MIT */\n/* Made of helpers.txt by go test ./internal/bpfheaders -update; not to be edited. */\n")
	b.WriteString("/* The kernel's helper functions: pointers to their numbers, which the compiler turns into calls. */\n\n")
	b.WriteString("#if __has_attribute(bpf_fastcall)\n#define ___bpf_fastcall __attribute__((bpf_fastcall))\n#else\n#define ___bpf_fastcall\n#endif\n\n")
	for _, name := range structsOf(prototypes) {
		fmt.Fprintf(&b, "struct %s;\n", name)
	}
	fmt.Fprintf(&b, "\n%s\n", strings.Join(lines, "\n"))
	testutil.Golden(t, "../bpf/bpf_helper_defs.h", b.Bytes())
}

// includes is where clang finds our headers, before those of the system.
func includes(t *testing.T, more ...string) []string {
	t.Helper()
	folder, err := Folder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{"-I" + folder, "-I" + testdata}, more...)
}

func source(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every macro for arguments compiles for every machine, with no other header.
func TestTracing(t *testing.T) {
	numbered := func(name string, n int) string { return fmt.Sprintf("unsigned long %s[%d];", name, n) }
	named := func(names ...string) string { return "unsigned long " + strings.Join(names, ", ") + ";" }
	for _, test := range []struct{ macro, target, regs, more string }{
		{"x86", "bpfel", named("di", "si", "dx", "cx", "r8", "r9", "r10", "sp", "bp", "ax", "ip"), "-D__VMLINUX_H__"},
		{"x86", "bpfel", named("rdi", "rsi", "rdx", "rcx", "r8", "r9", "r10", "rsp", "rbp", "rax", "rip"), ""},
		{"arm64", "bpfel", numbered("regs", 31) + named("sp", "pc"), ""},
		{"arm", "bpfel", numbered("uregs", 18), ""},
		{"s390", "bpfeb", numbered("gprs", 16) + "struct { unsigned long addr; } psw;", ""},
		{"riscv", "bpfel", named("pc", "ra", "sp", "s0", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"), ""},
		{"powerpc", "bpfeb", numbered("gpr", 32) + named("nip", "link", "orig_gpr3"), "-DNO_FRAME_POINTER"},
		{"mips", "bpfeb", numbered("regs", 32) + named("cp0_epc"), ""},
		{"sparc", "bpfeb", numbered("u_regs", 16) + named("pc"), "-DNO_FRAME_POINTER"},
		{"arc", "bpfel", "struct {" + named("r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "blink", "fp", "sp", "ret") + "} scratch;", ""},
		{"loongarch", "bpfel", numbered("regs", 32) + named("csr_era"), ""},
	} {
		t.Run(test.macro+test.more, func(t *testing.T) {
			args := includes(t, "-target", test.target, "-D__TARGET_ARCH_"+test.macro, "-DREGS="+test.regs, "-nostdinc", "-Wno-unused-function")
			if test.more != "" {
				args = append(args, test.more)
			}
			obj, err := object.Parse(testutil.Compile(t, source(t, "testdata/tracing.bpf.c"), args...))
			if err != nil {
				t.Fatal(err)
			}
			if len(obj.Programs) != 11 {
				t.Errorf("%d programs, want 11", len(obj.Programs))
			}
		})
	}
}

// Programs that read results of macros have the same ones as C has.
func TestMacros(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	testutil.Needs(t, testutil.GlobalData)
	testutil.Needs(t, testutil.TestRun)
	object := testutil.Compile(t, source(t, "testdata/macros.bpf.c"), includes(t, "-target", "bpf", "-nostdinc")...)
	run := func(name string, types func(*ebpf.CollectionSpec) *btf.Spec) *ebpf.Collection {
		t.Helper()
		spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
		if err != nil {
			t.Fatal(err)
		}
		for other := range spec.Programs {
			if other != name {
				delete(spec.Programs, other)
			}
		}
		coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{KernelTypes: types(spec)}})
		if err != nil {
			t.Fatalf("%+v", err)
		}
		t.Cleanup(coll.Close)
		if ret, err := coll.Programs[name].Run(&ebpf.RunOptions{}); err != nil || ret != 0 {
			t.Fatalf("run %s: %d, %v", name, ret, err)
		}
		return coll
	}
	// The object's own types stand for the kernel's, so that CO-RE finds them.
	coll := run("run", func(spec *ebpf.CollectionSpec) *btf.Spec { return spec.Types })
	for name, want := range map[string]any{
		"read": [8]int64{5, -33, 0xabcde, 0}, "probed": [8]int64{5, -33, 0xabcde, 0},
		"written": load[[8]byte](t, coll, "bits"),
		"be16":    binary.NativeEndian.Uint16([]byte{0x12, 0x34}), "swapped": binary.NativeEndian.Uint16([]byte{0x12, 0x34}),
		"be32":  binary.NativeEndian.Uint32([]byte{0x12, 0x34, 0x56, 0x78}),
		"be64":  binary.NativeEndian.Uint64([]byte{0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0}),
		"chain": int32(42), "direct": int32(42), "shorter": int32(42), "text_len": int32(4), "text": [8]byte{'a', 'b', 'c'},
		"exists": int32(2), "size": int32(16), "offset": int32(8), "type_size": int32(32), "value": int32(8), "value_exists": int32(1),
		"printed_len": int64(len("-1 two 3") + 1), "printed": [32]byte([]byte("-1 two 3" + strings.Repeat("\x00", 24))),
		"counted": [13]int32{1: 1, 12: 12},
	} {
		checkVariable(t, coll, name, want)
	}
	t.Run("loops", func(t *testing.T) {
		testutil.NeedsLinux(t, "open-coded iterators", 6, 4)
		coll := run("loop", func(*ebpf.CollectionSpec) *btf.Spec { return nil })
		checkVariable(t, coll, "loops", [4]int64{2 + 3 + 4 + 5, 3, 0 + 2 + 4, 1 + 2 + 3})
	})
}

func load[T any](t *testing.T, coll *ebpf.Collection, name string) T {
	t.Helper()
	var value T
	if err := coll.Variables[name].Get(&value); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}

func checkVariable(t *testing.T, coll *ebpf.Collection, name string, want any) {
	t.Helper()
	got := reflect.New(reflect.TypeOf(want))
	if err := coll.Variables[name].Get(got.Interface()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if got.Elem().Interface() != want {
		t.Errorf("%s is %v, want %v", name, got.Elem(), want)
	}
}

// Our testdata compiles to the same instructions as with the headers of libbpf.
func TestSameAsLibbpf(t *testing.T) {
	if _, err := os.Stat("/usr/include/bpf/bpf_helpers.h"); err != nil {
		t.Skip("needs libbpf's headers to compare with (make deps)")
	}
	files, err := filepath.Glob("../../testdata/*.bpf.c")
	if err != nil || len(files) == 0 {
		t.Fatal("no sources:", err)
	}
	triplet, err := filepath.Glob("/usr/include/*/asm")
	if err != nil || len(triplet) == 0 {
		t.Skip("needs the kernel's headers for user space (make deps)")
	}
	for _, file := range files {
		switch filepath.Base(file) {
		case "isa.bpf.c", "tables.bpf.c":
			continue // for other CPUs and compilers, and without a macro
		case "userring.bpf.c", "rejected.bpf.c":
			continue // sizes of dynptrs are wider in newer kernels' prototypes
		}
		common := []string{"-w", "-D__TARGET_ARCH_x86", "-idirafter", filepath.Dir(triplet[0]), "-I" + filepath.Dir(file)}
		mine := instructions(t, testutil.Compile(t, source(t, file), append(includes(t), common...)...))
		theirs := instructions(t, testutil.Compile(t, source(t, file), common...))
		if diff := cmp.Diff(theirs, mine); diff != "" {
			t.Errorf("%s: - with libbpf's headers, + with ours:\n%s", file, diff)
		}
	}
}

// instructions returns the contents of all sections with code.
func instructions(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	file, err := elf.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	code := map[string][]byte{}
	for i := range file.Sections {
		section := &file.Sections[i]
		if section.Flags&elf.SHF_EXECINSTR == 0 {
			continue
		}
		if code[section.Name], err = file.Data(section); err != nil {
			t.Fatal(err)
		}
	}
	return code
}
