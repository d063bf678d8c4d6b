package codegen

import (
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTargets(t *testing.T) {
	const (
		little = "386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64 || wasm"
		big    = "mips || mips64 || ppc64 || s390x"
	)
	type row struct{ Clang, Macro, Suffix, Constraint string }
	for list, want := range map[string][]row{
		"bpfel,bpfeb":   {{"bpfel", "", "bpfel", little}, {"bpfeb", "", "bpfeb", big}},
		"bpf":           {{"bpf", "", "bpf", ""}},
		"amd64":         {{"bpfel", "x86", "x86_bpfel", "386 || amd64"}},
		"386,amd64":     {{"bpfel", "x86", "x86_bpfel", "386 || amd64"}},
		"arm64, s390x":  {{"bpfel", "arm64", "arm64_bpfel", "arm64"}, {"bpfeb", "s390", "s390_bpfeb", "s390x"}},
		"ppc64,ppc64le": {{"bpfeb", "powerpc", "powerpc_bpfeb", "ppc64"}, {"bpfel", "powerpc", "powerpc_bpfel", "ppc64le"}},
		"riscv64":       {{"bpfel", "riscv", "riscv_bpfel", "riscv64"}},
		"loong64,mips":  {{"bpfel", "loongarch", "loongarch_bpfel", "loong64"}, {"bpfeb", "mips", "mips_bpfeb", "mips"}},
	} {
		targets, err := ParseTargets(list)
		if err != nil {
			t.Errorf("%s: %v", list, err)
			continue
		}
		var got []row
		for _, target := range targets {
			r := row{target.Clang(), target.Macro(), target.Suffix(), ""}
			if expr := target.Constraint(); expr != nil {
				r.Constraint = expr.String()
			}
			got = append(got, r)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", list, diff)
		}
	}
}

func TestParseTargetsNative(t *testing.T) {
	native, err := ParseTargets("native")
	if err != nil {
		t.Skip("no BPF registers are known for GOARCH", runtime.GOARCH)
	}
	named, err := ParseTargets(runtime.GOARCH)
	if err != nil || named[0].Suffix() != native[0].Suffix() {
		t.Errorf("native is %v, %s is %v (%v)", native, runtime.GOARCH, named, err)
	}
}

func TestParseTargetsUnknown(t *testing.T) {
	for _, list := range []string{"", "x86", "bpfel,", "mips64", "wasm", "BPFEL"} {
		_, err := ParseTargets(list)
		if err == nil || !strings.Contains(err.Error(), "it is one of bpf, bpfel, bpfeb, native, 386, amd64") {
			t.Errorf("%q: %v", list, err)
		}
	}
}

// The go command takes a file name that ends in a GOARCH for a constraint.
func TestSuffixIsNoConstraint(t *testing.T) {
	for _, arch := range goArches() {
		if arch.macro == "" {
			continue
		}
		targets, err := ParseTargets(arch.name)
		if err != nil {
			t.Fatal(err)
		}
		last := targets[0].Suffix()[strings.LastIndex(targets[0].Suffix(), "_")+1:]
		for _, other := range goArches() {
			if last == other.name {
				t.Errorf("%s: suffix %s ends in a GOARCH", arch.name, targets[0].Suffix())
			}
		}
	}
}
