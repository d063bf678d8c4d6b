package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfgen/bpfgen/internal/elf"
)

// A result has the metrics of one run, or the medians of several.
type result map[metric]float64

// A run is a task of one contestant.
type run struct {
	kind string
	task string // words, separated by spaces
	who  string
}

// binaries of the contestants, by kind of run; those missing don't take part.
var binaries = map[string]map[string]string{
	"loop":    {ours: "ours", ebpfGo: "ebpf-go", libbpf: "libbpf", floor: "floor"},
	"process": {ours: "minimal-ours", ebpfGo: "minimal-ebpf-go", libbpf: "libbpf", floor: "floor"},
}

// missing are tasks that a contestant has nothing for.
var missing = map[string][]string{
	"lookup":         {floor}, // ours measures its own: see measure.Above
	"lookup-typed":   {floor},
	"update":         {floor},
	"update-typed":   {floor},
	"percpu":         {floor},
	"parse-decoded":  {floor},
	"parse-specs":    {libbpf, floor},
	"testrun":        {floor},
	"lookup-ptr":     {libbpf, floor},
	"update-ptr":     {libbpf, floor},
	"variable":       {libbpf, floor},
	"variable-typed": {ebpfGo, libbpf, floor},
	"variable-add":   {ebpfGo, libbpf, floor},
	"percpu-typed":   {ebpfGo, libbpf, floor},
	"btf-decode":     {libbpf, floor},
	"btf-inflate":    {ebpfGo, libbpf, floor},
	"load tiny.o":    {floor}, // the floor of loading looks at the kernel's types
	"ring":           {floor},
	"ring-each":      {ebpfGo, floor},
	"perf":           {floor},
	"ring-read":      {libbpf, floor},
	"ring-read-into": {libbpf, floor},
}

func (r row) run(who string) run { return run{r.kind, strings.Join(r.task, " "), who} }

// runs lists what there is to run: the runs of one task are neighbours.
func runs(rows []row) []run {
	var all []run
	for _, r := range rows {
		if r.kind == "build" {
			continue
		}
		for _, who := range contestants {
			skip := slices.Contains(missing[r.task[0]], who) || slices.Contains(missing[strings.Join(r.task, " ")], who) || r.kind == "generate" && who != ours && who != ebpfGo
			if one := r.run(who); !skip && !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all
}

// measure does all runs, one after another, as often as there are rounds. What
// else happens on the machine then hits all contestants alike.
func (l *lab) measure(rows []row, rounds int, progress func(string)) (map[run]result, error) {
	samples := map[run][]result{}
	todo := runs(rows)
	for round := range rounds {
		progress(fmt.Sprintf("round %d of %d: %d runs", round+1, rounds, len(todo)))
		if round > 0 {
			slices.Reverse(todo) // who comes second finds caches filled
		}
		for _, r := range todo {
			for range repetitions(r) {
				one, err := l.once(r)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", r.who, r.task, err)
				}
				samples[r] = append(samples[r], one)
			}
		}
	}
	medians := map[run]result{}
	for r, all := range samples {
		medians[r] = median(all)
		if bare, ok := medians[r][underneath]; ok {
			medians[run{r.kind, r.task, floor}] = result{cpu: bare}
		}
	}
	return medians, l.exact(rows, medians)
}

// repetitions is how often a run is done in a round. Those of generators are
// long, so that there is a lot that can come between, and have no repetitions of
// their own.
func repetitions(r run) int {
	if r.kind == "generate" {
		return 3
	}
	return 1
}

func median(all []result) result {
	out := result{}
	for m := range all[0] {
		var values []float64
		for _, r := range all {
			values = append(values, r[m])
		}
		slices.Sort(values)
		out[m] = values[len(values)/2]
	}
	return out
}

// once runs one task of one contestant.
func (l *lab) once(r run) (result, error) {
	var out string
	var err error
	switch r.kind {
	case "generate":
		out, err = l.generate(r)
	default:
		out, err = command(l.dir, nil, l.commandOf(r)...)
	}
	if err != nil {
		return nil, err
	}
	var got struct{ NS, Elapsed, Allocs, Bytes, RSS, Floor, Above float64 }
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		return nil, fmt.Errorf("%q: %w", out, err)
	}
	res := result{cpu: got.NS}
	if got.Elapsed > 0 {
		res[elapsed] = got.Elapsed
	}
	if got.Floor > 0 {
		res[underneath], res[excess] = got.Floor, got.Above
	}
	if got.RSS > 0 {
		res[rss] = got.RSS
	}
	if got.Allocs >= 0 && r.kind == "loop" {
		res[allocs], res[bytesKept] = got.Allocs, got.Bytes
	}
	return res, nil
}

func (l *lab) commandOf(r run) []string {
	words := strings.Fields(r.task)
	bin := l.path(binaries[r.kind][r.who])
	if r.kind == "loop" {
		return append([]string{bin}, words...)
	}
	if r.who == ours || r.who == ebpfGo { // these do nothing but load
		words = words[1:]
	}
	return append([]string{l.path("spawn"), bin}, words...)
}

// generate runs a generator, in a new folder; "again" where it has left its
// output.
//
// CPU time is measured on one processor: what it is on two depends on the machine,
// and only ours runs clang twice at once.
func (l *lab) generate(r run) (string, error) {
	dir := l.generatorPath("again-" + r.who)
	_, err := os.Stat(dir)
	if r.task != "again" || err != nil {
		if dir, err = l.generatorFolder(r); err != nil {
			return "", err
		}
	}
	spawn := []string{l.path("spawn"), "-1"}
	if r.task == "fresh-all" {
		spawn = spawn[:1]
	}
	return command(dir, l.generatorEnv(), append(spawn, l.generator(r.who)...)...)
}

func (l *lab) generatorPath(name string) string {
	return filepath.Join(l.generated, "generate-"+name)
}

// generatorFolder makes a folder with a source. None is removed before the end.
func (l *lab) generatorFolder(r run) (string, error) {
	dir := l.generatorPath("again-" + r.who)
	if r.task != "again" {
		l.folders++
		dir = l.generatorPath(strconv.Itoa(l.folders))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	text, err := os.ReadFile(l.bench("bpf/generate.bpf.c"))
	if err != nil {
		return "", err
	}
	for name, text := range map[string]string{"gen.bpf.c": string(text), "go.mod": "module generated\n\ngo 1.25\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	if r.task == "again" {
		_, err = command(dir, l.generatorEnv(), l.generator(r.who)...)
	}
	return dir, err
}

// generatorEnv has what generators remove again in memory: see generatorFolders.
func (l *lab) generatorEnv() []string {
	env := []string{"GOPACKAGE=generated"}
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		env = append(env, "TMPDIR=/dev/shm")
	}
	return env
}

func (l *lab) generator(who string) []string {
	triplet, _ := command("", nil, l.cc, "-print-multiarch")
	name, strip := "bpfgen", []string(nil)
	if who == ebpfGo {
		name = "bpf2go"
		strip = []string{"-strip", strings.Replace(l.clang, "clang", "llvm-strip", 1)}
	}
	args := append([]string{l.path(name), "-cc", l.clang}, strip...)
	return append(args, "-type", "flow", "Filter", "gen.bpf.c", "--", "-idirafter", "/usr/include/"+strings.TrimSpace(triplet))
}

// exact adds what needs no repetition: counts of calls, sizes, packages.
func (l *lab) exact(rows []row, into map[run]result) error {
	for _, r := range rows {
		for _, who := range contestants {
			var err error
			switch {
			case r.metric == calls && who != floor:
				into[r.run(who)][calls], err = l.countCalls(r.run(who))
			case r.kind == "build" && (who == ours || who == ebpfGo):
				into[r.run(who)], err = l.binary(who)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// countCalls counts bpf(2) calls with strace.
func (l *lab) countCalls(r run) (float64, error) {
	log := l.path("strace.log")
	args := append([]string{"strace", "-f", "-e", "trace=bpf", "-o", log}, l.commandOf(r)[1:]...)
	if _, err := command(l.dir, nil, args...); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(log)
	// An interrupted call has a second line, which says "resumed".
	return float64(strings.Count(string(text), " bpf(")), err
}

// binary measures the minimal program.
func (l *lab) binary(who string) (result, error) {
	name := binaries["process"][who]
	info, err := os.Stat(l.path(name))
	if err != nil {
		return nil, err
	}
	deps, err := command(l.bench(""), []string{"CGO_ENABLED=0"}, "go", "list", "-deps", "./minimal/"+strings.TrimPrefix(name, "minimal-"))
	if err != nil {
		return nil, err
	}
	return result{size: float64(info.Size()), packages: float64(len(strings.Fields(deps)))}, nil
}

// strip removes DWARF from an object.
func strip(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if data, err = elf.StripDWARF(data); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
