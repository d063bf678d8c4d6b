package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// objects are compiled from our own C when the benchmark runs.
var objects = map[string][]string{ // output → source and flags
	"tiny.o":  {"tiny.bpf.c"},
	"core.o":  {"core.bpf.c"},
	"tpbtf.o": {"tpbtf.bpf.c"},
	"maps.o":  {"maps.bpf.c"},
	"ten.o":   {"many.bpf.c"},
	"big.o":   {"many.bpf.c", "-DHUNDRED", "-DSTATEMENTS=S16"},
	"huge.o":  {"many.bpf.c", "-DHUNDRED", "-DSTATEMENTS=S64"},
}

// lab is where everything is built and run.
type lab struct {
	root  string // of the repository
	dir   string // for what is built
	clang string
	cc    string
	// libbpf to link with: its compiler flags; LIBBPF names a source tree.
	libbpf string
	// generated has the folders that generators run in, so many so far.
	generated string
	folders   int
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

func (l *lab) bench(name string) string { return filepath.Join(l.root, "benchmarks", name) }

// limit is how long a program may take: far more than any does, unless it waits for
// something that doesn't come.
const limit = 5 * time.Minute

// command runs a program, and gives its standard output.
func command(dir string, env []string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out), nil
}

// build makes objects and contestants.
func (l *lab) build() error {
	for name, source := range objects {
		if err := l.compile(name, source[0], source[1:]); err != nil {
			return err
		}
	}
	static := []string{"CGO_ENABLED=0"}
	for name, pkg := range map[string]string{
		"ours": "./ours", "ebpf-go": "./ebpf-go", "floor": "./floor",
		"minimal-ours": "./minimal/ours", "minimal-ebpf-go": "./minimal/ebpf-go",
		"bpf2go": "github.com/cilium/ebpf/cmd/bpf2go", "bpfgen": "./cmd/bpfgen",
	} {
		dir := l.bench("")
		if name == "bpfgen" {
			dir = l.root // with its own dependencies
		}
		if _, err := command(dir, static, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", l.path(name), pkg); err != nil {
			return err
		}
	}
	if _, err := command(l.bench("spawn"), nil, l.cc, "-O2", "-o", l.path("spawn"), "main.c"); err != nil {
		return err
	}
	return l.buildLibbpf()
}

// compile makes an object without DWARF, which the generators strip too.
func (l *lab) compile(name, source string, flags []string) error {
	triplet, _ := command("", nil, l.cc, "-print-multiarch")
	args := append([]string{l.clang, "-O2", "-g", "-target", "bpfel", "-mcpu=v3",
		"-idirafter", "/usr/include/" + strings.TrimSpace(triplet), "-c", source, "-o", l.path(name)}, flags...)
	if _, err := command(l.bench("bpf"), nil, args...); err != nil {
		return err
	}
	return strip(l.path(name))
}

// buildLibbpf links the C harness with a source tree, or with the system's.
func (l *lab) buildLibbpf() error {
	out := l.path("libbpf")
	if l.libbpf == "" {
		_, err := command(l.bench("libbpf"), nil, l.cc, "-O2", "-Wall", "-o", out, "main.c", "-lbpf", "-lelf", "-lz")
		return err
	}
	src := l.libbpf
	if _, err := os.Stat(filepath.Join(src, "src", "Makefile")); err == nil {
		src = filepath.Join(src, "src")
	}
	objs := l.path("libbpf-build")
	if err := os.MkdirAll(objs, 0o755); err != nil {
		return err
	}
	if _, err := command(src, nil, "make", "-s", "BUILD_STATIC_ONLY=1", "OBJDIR="+objs, "DESTDIR="+objs+"/root", "LIBDIR=/usr/lib", "all", "install_headers"); err != nil {
		return err
	}
	_, err := command(l.bench("libbpf"), nil, l.cc, "-O2", "-Wall", "-o", out, "main.c", "-I"+objs+"/root/usr/include", objs+"/libbpf.a", "-lelf", "-lz")
	return err
}
