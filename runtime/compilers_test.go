package ebpf

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// compilers are the oldest clang that the README promises to work, and the
// newest to be had. What is checked in is made by one in between.
var compilers = []string{"clang-14", "clang-22"}

// needsNewer are the sources that use what only a later clang has.
var needsNewer = map[string]map[string]string{
	"clang-14": {
		"arena":    "address spaces (clang 19)",
		"core":     "relocations that match types (clang 15)",
		"rejected": "the assembly of address spaces (clang 19)",
		"isa":      "-mcpu=v4 (clang 18)",
		"tables":   "jump tables (clang 22)",
	},
}

// Objects of other compilers declare what those of ours do.
func TestCompilers(t *testing.T) {
	sources, err := filepath.Glob("../testdata/*.bpf.c")
	if err != nil || len(sources) == 0 {
		t.Fatal("no sources:", err)
	}
	for _, compiler := range compilers {
		t.Run(compiler, func(t *testing.T) {
			clang, err := exec.LookPath(compiler)
			if err != nil {
				t.Skipf("needs %s: it isn't installed (make compilers)", compiler)
			}
			for _, source := range sources {
				name := strings.TrimSuffix(filepath.Base(source), ".bpf.c")
				t.Run(name, func(t *testing.T) {
					if why := needsNewer[compiler][name]; why != "" {
						t.Skip("needs " + why)
					}
					compareCompiled(t, clang, name)
				})
			}
		})
	}
}

func compareCompiled(t *testing.T, clang, name string) {
	want, err := LoadCollectionSpec(objectFile(name))
	if err != nil {
		t.Skipf("needs %s as an object of its own: %v", name, err)
	}
	object := filepath.Join(t.TempDir(), name+".o")
	target := "bpfel"
	if strings.HasSuffix(objectFile(name), "-eb.o") {
		target = "bpfeb"
	}
	args := []string{"-O2", "-mcpu=v3", "-target", target, "-I../testdata", "-idirafter", multiarch(t), "-c", "../testdata/" + name + ".bpf.c", "-o", object}
	switch name {
	case "isa", "tables":
		args = append(args, "-g", "-mcpu=v4")
	case "iproute2", "legacy", "samples": // from before BTF
	default:
		args = append(args, "-g")
	}
	if out, err := exec.Command(clang, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := parse(t, object)
	if diff := cmp.Diff(declarations(want), declarations(got)); diff != "" {
		t.Errorf("differs from the checked-in object (-) in what it declares:\n%s", diff)
	}
}

// multiarch is where Debian has the headers of this machine's own.
func multiarch(t *testing.T) string {
	t.Helper()
	dirs, _ := filepath.Glob("/usr/include/*-linux-gnu/asm")
	if len(dirs) == 0 {
		return "/usr/include"
	}
	return filepath.Dir(dirs[0])
}

// declarations are a line for each thing that a spec declares, without what a
// compiler decides: the types of unused things, and instructions.
func declarations(spec *CollectionSpec) []string {
	var lines []string
	for name, m := range spec.Maps {
		if !strings.HasPrefix(name, ".rodata.") { // str1.1, cst8: a compiler's own constants
			lines = append(lines, fmt.Sprintf("map %s: %v key %d max %d flags %#x pinning %v", name, m.Type, m.KeySize, m.MaxEntries, m.Flags, m.Pinning))
		}
	}
	for name, p := range spec.Programs {
		lines = append(lines, fmt.Sprintf("program %s: %v %v %s to %q", name, p.Type, p.AttachType, p.SectionName, p.AttachTo))
	}
	for name, v := range spec.Variables {
		lines = append(lines, fmt.Sprintf("variable %s: %s, %d bytes", name, v.SectionName, v.Size()))
	}
	slices.Sort(lines)
	return lines
}
