package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bpfgen/bpfgen/internal/trial"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/rlimit"
)

const loadUsage = `Usage: bpfgen load [-json | -csv] [-compare old.json] [-program name] object.o|package...

Loads each program of compiled BPF objects into the running kernel, by itself,
and shows what the verifier says: its verdict, the length of the program as sent,
how many instructions it looked at, the states that it kept, the stack that each
function takes, and its time. A rejected program is explained at its C line.
Exits 1 if there is one. Nothing stays loaded, and nothing is pinned.

  -json	print JSON
  -csv	print comma-separated values
  -compare old.json
    	also show what changed since a run with -json
  -program name
    	only load this program

Example:

	bpfgen load -json snoop_bpfel.o > before.json
	bpfgen load -compare before.json snoop_bpfel.o
`

// load tries programs on the running kernel.
func load(ctx context.Context, c console, args []string) error {
	fs := flag.NewFlagSet("bpfgen load", flag.ContinueOnError)
	asJSON, asCSV := fs.Bool("json", false, ""), fs.Bool("csv", false, "")
	compare := fs.String("compare", "", "")
	only := fs.String("program", "", "")
	if done, err := c.parse(fs, args, loadUsage); done || err != nil {
		return err
	}
	switch {
	case fs.NArg() == 0:
		return usagef("bpfgen load wants object files or packages")
	case *asJSON && *asCSV:
		return usagef("-json and -csv: which one?")
	}
	var before []trial.Result
	if *compare != "" {
		var err error
		if before, err = readResults(*compare); err != nil {
			return err
		}
	}
	results, err := c.tryAll(ctx, fs.Args(), *only)
	if err != nil {
		return err
	}
	switch {
	case *asJSON:
		err = printJSON(c.stdout, results)
	case *asCSV:
		err = c.printCSV(results)
	default:
		c.printResults(results)
	}
	if err != nil {
		return err
	}
	if *compare != "" && !*asJSON && !*asCSV {
		c.printChanges(before, results)
	}
	return c.explain(results)
}

// tryAll loads all programs of all objects.
func (c console) tryAll(ctx context.Context, args []string, only string) ([]trial.Result, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, err
	}
	results := []trial.Result{}
	for _, arg := range args {
		files, err := c.findObjects(ctx, arg)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			spec, err := ebpf.LoadEncodedSpec(file)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			progress := c.progress(file, len(spec.Programs))
			for r := range trial.Programs(file, spec, func(name string) bool { return only == "" || name == only }) {
				results = append(results, r)
				progress.step()
				if ctx.Err() != nil {
					break
				}
			}
			progress.done()
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	if only != "" && len(results) == 0 {
		return nil, fmt.Errorf("no program %s in %s", only, strings.Join(args, ", "))
	}
	return results, nil
}

func (c console) printResults(results []trial.Result) {
	for i, r := range results {
		if i > 0 && r.Object == results[i-1].Object {
			continue
		}
		if i > 0 {
			fmt.Fprintln(c.stdout)
		}
		fmt.Fprintf(c.stdout, "%s:\n\n", r.Object)
		c.resultTable(slices.DeleteFunc(slices.Clone(results[i:]), func(o trial.Result) bool { return o.Object != r.Object })).print(c.stdout)
	}
}

func (c console) resultTable(results []trial.Result) *table {
	t := c.table("PROGRAM", "SECTION", "VERDICT", "SENT", "PROCESSED", "STATES", "PEAK", "STACK", "TIME")
	for _, r := range results {
		if r.Verdict != trial.OK {
			t.row(r.Program, r.Section, string(r.Verdict))
			continue
		}
		t.row(r.Program, r.Section, string(r.Verdict), strconv.Itoa(r.Sent), strconv.Itoa(r.Processed),
			strconv.Itoa(r.TotalStates), strconv.Itoa(r.PeakStates), stack(r), r.Time.String())
	}
	return t
}

// stack is the bytes of stack of the program and of each function it calls.
func stack(r trial.Result) string {
	var parts []string
	for _, depth := range r.Stack {
		parts = append(parts, strconv.Itoa(depth))
	}
	return strings.Join(parts, "+")
}

func (c console) printCSV(results []trial.Result) error {
	w := csv.NewWriter(c.stdout)
	rows := [][]string{{"object", "program", "section", "type", "verdict", "sent", "processed", "total_states", "peak_states", "stack", "nanoseconds", "error"}}
	for _, r := range results {
		rows = append(rows, []string{
			r.Object, r.Program, r.Section, r.Type, string(r.Verdict), strconv.Itoa(r.Sent), strconv.Itoa(r.Processed),
			strconv.Itoa(r.TotalStates), strconv.Itoa(r.PeakStates), stack(r), strconv.FormatInt(int64(r.Time), 10), r.Error,
		})
	}
	return w.WriteAll(rows)
}

// explain ends with why programs weren't accepted.
func (c console) explain(results []trial.Result) error {
	bad := 0
	for _, r := range results {
		if r.Verdict != trial.OK {
			bad++
			fmt.Fprintf(c.stderr, "\n%s: %v\n", r.Object, r.Err)
		}
	}
	if bad > 0 {
		fmt.Fprintf(c.stderr, "\n%d of %d programs don't load\n", bad, len(results))
		return errReported
	}
	return nil
}

func readResults(file string) ([]trial.Result, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var results []trial.Result
	if err := json.Unmarshal(data, &results); err != nil {
		return nil, fmt.Errorf("%s isn't what bpfgen load -json prints: %w", file, err)
	}
	return results, nil
}

// printChanges shows what is different from an earlier run, by name of program.
func (c console) printChanges(before, now []trial.Result) {
	type id struct{ object, program string }
	old := make(map[id]trial.Result, len(before))
	for _, r := range before {
		old[id{r.Object, r.Program}] = r
	}
	t := c.table("CHANGED", "WHAT", "BEFORE", "NOW", "")
	for _, r := range now {
		o, ok := old[id{r.Object, r.Program}]
		delete(old, id{r.Object, r.Program})
		if !ok {
			t.row(r.Program, "program", "", string(r.Verdict))
			continue
		}
		compareResults(t, o, r)
	}
	for _, r := range before {
		if _, gone := old[id{r.Object, r.Program}]; gone {
			t.row(r.Program, "program", string(r.Verdict), "gone")
		}
	}
	if len(t.rows) == 0 {
		fmt.Fprintln(c.stdout, "\nNothing changed.")
	}
	t.section(c.stdout)
}

func compareResults(t *table, before, now trial.Result) {
	if before.Verdict != now.Verdict {
		t.row(now.Program, "verdict", string(before.Verdict), string(now.Verdict))
		return
	}
	for _, what := range []struct {
		name     string
		from, to int
	}{
		{"sent", before.Sent, now.Sent},
		{"processed", before.Processed, now.Processed},
		{"states", before.TotalStates, now.TotalStates},
		{"peak states", before.PeakStates, now.PeakStates},
	} {
		if what.from != what.to {
			t.row(now.Program, what.name, strconv.Itoa(what.from), strconv.Itoa(what.to), change(what.from, what.to))
		}
	}
	if stack(before) != stack(now) {
		t.row(now.Program, "stack", stack(before), stack(now))
	}
}

func change(from, to int) string {
	if from == 0 {
		return ""
	}
	return fmt.Sprintf("%+.1f %%", 100*float64(to-from)/float64(from))
}

// progress shows on a terminal how far long work has come.
type progress struct {
	c           console
	what        string
	count, size int
	last        time.Time
}

func (c console) progress(what string, size int) *progress {
	p := &progress{c: c, what: what, size: size, last: time.Now()}
	if !isTerminal(c.stderr) {
		p.size = 0
	}
	return p
}

func (p *progress) step() {
	p.count++
	if p.size > 0 && time.Since(p.last) > 100*time.Millisecond {
		p.last = time.Now()
		fmt.Fprintf(p.c.stderr, "\r\x1b[K%s: %d of %d", p.what, p.count, p.size)
	}
}

func (p *progress) done() {
	if p.size > 0 {
		fmt.Fprint(p.c.stderr, "\r\x1b[K")
	}
}
