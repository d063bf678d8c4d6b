// Command benchmarks measures bpfgen next to ebpf-go, libbpf and a floor of
// bare system calls, and writes docs/performance.md. See README.md.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

func main() {
	if err := mainE(); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

func mainE() error {
	quick := flag.Bool("quick", false, "fewer and shorter rounds; print the table instead of writing it")
	only := flag.String("run", "", "only rows whose section or name matches this `regexp`; print the table")
	growth := flag.Bool("growth", false, "only the curves of how costs grow; print them")
	rounds := flag.Int("rounds", 0, "how often everything is run (default 15, quick 3)")
	flag.Parse()

	if os.Geteuid() != 0 {
		return fmt.Errorf("loading BPF takes root")
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	var chosen []row
	for _, r := range rows {
		if match.MatchString(r.section + ": " + r.name) {
			chosen = append(chosen, r)
		}
	}
	l, cleanup, err := newLab()
	if err != nil {
		return err
	}
	defer cleanup()
	times, budget := 15, "60"
	if *quick {
		times, budget = 3, "15"
	}
	if *rounds > 0 {
		times = *rounds
	}
	os.Setenv("BENCH_MS", budget)

	start := time.Now()
	fmt.Fprintln(os.Stderr, "building")
	if err := l.build(); err != nil {
		return err
	}
	progress := func(s string) { fmt.Fprintln(os.Stderr, s) }
	rep := report{rounds: times, about: l.about()}
	if *growth || !*quick && *only == "" {
		os.Setenv("BENCH_MS", "20")
		kernels, remarks, err := l.kernels()
		if err != nil {
			return err
		}
		rep.curves, rep.remarks = append(fixedCurves, l.typeCurves(kernels)...), remarks
		if rep.points, err = l.measureGrowth(rep.curves, 3, progress); err != nil {
			return err
		}
		os.Setenv("BENCH_MS", budget)
	}
	if *growth {
		fmt.Print(rep.growth())
		return nil
	}
	results, err := l.measure(chosen, times, progress)
	fmt.Fprintf(os.Stderr, "%v\n", time.Since(start).Round(time.Second))
	if err != nil {
		return err
	}
	rep.rows, rep.results = chosen, results
	if *quick || *only != "" {
		fmt.Print(rep.tables())
		return nil
	}
	return rep.write(filepath.Join(l.root, "docs"))
}

// newLab finds the tools, and makes a place for what they build.
func newLab() (*lab, func(), error) {
	root, err := command(".", nil, "go", "env", "GOMOD")
	if err != nil {
		return nil, nil, err
	}
	l := &lab{root: filepath.Dir(filepath.Dir(strings.TrimSpace(root))), clang: os.Getenv("CLANG"), cc: os.Getenv("CC"), libbpf: os.Getenv("LIBBPF")}
	if l.cc == "" {
		l.cc = "cc"
	}
	if l.clang == "" {
		l.clang = "clang"
		if path, err := exec.LookPath("clang-19"); err == nil {
			l.clang = path
		}
	}
	if l.dir, err = os.MkdirTemp("", "bpfgen-bench"); err != nil {
		return nil, nil, err
	}
	l.generated = generatorFolders(l.dir)
	return l, func() { os.RemoveAll(l.dir); os.RemoveAll(l.generated) }, nil
}

// generatorFolders makes a folder for those of generators: on a disk, where
// projects are, but not where temporary files come and go, as ext4 takes ten
// times as long to make a file where some have just been removed.
func generatorFolders(otherwise string) string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return otherwise
	}
	dir, err := os.MkdirTemp(cache, "bpfgen-bench")
	if err != nil {
		return otherwise
	}
	return dir
}

// about is what was measured where, a line each.
func (l *lab) about() []string {
	first := func(args ...string) string {
		out, err := command(l.bench(""), nil, args...)
		if err != nil {
			return "unknown"
		}
		line, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
		return line
	}
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(text); m != nil {
			model = string(m[1])
		}
	}
	return []string{
		fmt.Sprintf("machine: %s, %s processors, Linux %s", model, first("nproc"), first("uname", "-r")),
		"Go: " + first("go", "version"),
		"ebpf-go: " + first("go", "list", "-m", "-f", "{{.Version}}", "github.com/cilium/ebpf"),
		"libbpf: " + first(l.path("libbpf"), "version"),
		"clang: " + first(l.clang, "--version"),
	}
}
