package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bpfgen/bpfgen/internal/cmd/vmtest/protocol"
)

// testSuite is the tests of a package, built in one way.
type testSuite struct {
	name   string // the package's path in this module, and what is special
	dir    string
	rel    string   // of dir, in this module
	flags  []string // for go test -c
	args   []string // for the tests
	binary string
	pure   bool
}

// patterns are the packages whose tests depend on the kernel or on the machine.
var patterns = []string{"./runtime/...", "./internal/btf", "./internal/corerelo", "./internal/kernel", "./internal/elf", "./internal/kconfig", "./internal/object"}

// pure are those of them that no kernel has a say in: what they do depends on the
// order of bytes, if on anything, and on amd64 make test runs them.
var pure = []string{"internal/elf", "internal/kconfig", "internal/object"}

// heavy are tests that change each byte of a file in turn. What they look for
// are slips of bounds, which are the same on every machine, and emulated ones
// take a minute and more for it: they are for make test.
var heavy = map[string]string{"internal/elf": "TestTruncatedAndFlipped", "internal/object": "TestDamagedFiles"}

// faulty are the packages with tests of faults, a build of their own.
var faulty = []string{"runtime", "runtime/link", "runtime/perf", "runtime/ringbuf"}

// mapsOnly is the part of runtime's tests that emulated machines have time for in
// a quick run. It runs only if it is asked for.
const mapsOnly = "runtime:maps"

// findSuites are the suites of a module whose names match.
func findSuites(ctx context.Context, root, match string) ([]testSuite, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}"}, patterns...)...)
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []testSuite
	for _, dir := range strings.Fields(string(out)) {
		rel, err := filepath.Rel(root, dir)
		if err != nil {
			return nil, err
		}
		s := testSuite{name: rel, dir: dir, rel: rel, pure: slices.Contains(pure, rel)}
		if tests, ok := heavy[rel]; ok {
			s.args = []string{"-test.skip=^" + tests + "$"}
		}
		all = append(all, s)
	}
	for _, rel := range faulty {
		all = append(all, testSuite{
			name: rel + ":faults", dir: filepath.Join(root, rel), rel: rel,
			flags: []string{"-tags", "faults"}, args: []string{"-test.run=Fault", "-test.short"},
		})
	}
	if strings.Contains(","+match+",", ","+mapsOnly+",") {
		all = append(all, testSuite{
			name: mapsOnly, dir: filepath.Join(root, "runtime"), rel: "runtime",
			args: []string{"-test.run=^TestMap|^TestEveryMapType$"},
		})
	}
	var chosen []testSuite
	for _, s := range all {
		if match == "" || strings.Contains(","+match+",", ","+s.name+",") {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no packages %q with tests", match)
	}
	return chosen, nil
}

// isFor tells whether a suite has something to find out in a machine.
func (s *testSuite) isFor(m machine) bool { return !s.pure || m.arch != "amd64" }

// guestDir is where the tests run, so that they find testdata as in the module.
func (s *testSuite) guestDir() string { return filepath.Join("/src", s.rel) }

func (s *testSuite) guestBinary() string {
	return "/tests/" + strings.NewReplacer("/", "-", ":", "-").Replace(s.name) + ".test"
}

func (s *testSuite) run(o *options) protocol.Run {
	args := append([]string{s.guestBinary(), "-test.v=test2json", fmt.Sprintf("-test.timeout=%ds", o.timeout), fmt.Sprintf("-test.count=%d", o.count)}, s.args...)
	if o.run != "" {
		args = append(args, "-test.run="+o.run)
	}
	return protocol.Run{Name: s.name, Dir: s.guestDir(), Args: args, Seconds: o.timeout + 10}
}

// binaries are what is built for one architecture.
type binaries struct {
	guest  string
	suites []testSuite
}

// builds are the tests for all architectures, each made when it is asked for:
// while a machine runs the tests of one, another's are built.
type builds struct {
	root, dir string
	suites    []testSuite
	mu        sync.Mutex
	of        map[string]func() (*binaries, error)
}

func newBuilds(root string, suites []testSuite) (*builds, error) {
	dir, err := os.MkdirTemp("", "vmtest-build")
	return &builds{root: root, dir: dir, suites: suites, of: make(map[string]func() (*binaries, error))}, err
}

// forArch builds for an architecture, once.
func (b *builds) forArch(ctx context.Context, arch string) (*binaries, error) {
	b.mu.Lock()
	once := b.of[arch]
	if once == nil {
		once = sync.OnceValues(func() (*binaries, error) { return b.build(ctx, arch) })
		b.of[arch] = once
	}
	b.mu.Unlock()
	return once()
}

// build compiles the first process and all suites, static.
func (b *builds) build(ctx context.Context, arch string) (*binaries, error) {
	began := time.Now()
	made := &binaries{guest: filepath.Join(b.dir, "guest-"+arch)}
	compile := func(args ...string) error {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = b.root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("for %s: go %s: %w\n%s", arch, strings.Join(args, " "), err, out)
		}
		return nil
	}
	if err := compile("build", "-trimpath", "-ldflags=-s -w", "-o", made.guest, "./internal/cmd/vmtest/guest"); err != nil {
		return nil, err
	}
	for _, s := range b.suites {
		if !s.isFor(machine{arch: arch}) {
			continue
		}
		s.binary = filepath.Join(b.dir, arch+"-"+filepath.Base(s.guestBinary()))
		args := append([]string{"test", "-c", "-ldflags=-s -w", "-o", s.binary}, s.flags...)
		if err := compile(append(args, "./"+s.rel)...); err != nil {
			return nil, err
		}
		made.suites = append(made.suites, s)
	}
	say("%s: built %d test programs in %.0f s", arch, len(made.suites), time.Since(began).Seconds())
	return made, nil
}
