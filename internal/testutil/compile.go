package testutil

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Clang is the BPF compiler: $BPFGEN_CLANG, clang-19 or clang. The test is
// skipped if there is none.
func Clang(t testing.TB) string {
	t.Helper()
	for _, name := range []string{os.Getenv("BPFGEN_CLANG"), "clang-19", "clang"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("needs clang: neither clang-19 nor clang is installed (make deps)")
	return ""
}

// Compile makes a little-endian BPF object of C source. Further arguments go to
// clang, after and so in precedence over "-O2 -g -target bpfel -mcpu=v3".
func Compile(t testing.TB, source string, args ...string) []byte {
	t.Helper()
	clang := Clang(t)
	dir := t.TempDir()
	in, out := filepath.Join(dir, "prog.bpf.c"), filepath.Join(dir, "prog.o")
	if err := os.WriteFile(in, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	all := append([]string{"-O2", "-g", "-Wall", "-Werror", "-target", "bpfel", "-mcpu=v3"}, args...)
	cmd := exec.Command(clang, append(all, "-c", in, "-o", out)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, text)
	}
	object, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return object
}
