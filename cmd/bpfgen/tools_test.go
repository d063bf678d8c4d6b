package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/trial"
)

const objects = "../../testdata"

// What the commands about objects print, to the letter.
func TestObjectCommands(t *testing.T) {
	for _, test := range []struct {
		golden string
		args   []string
		code   int
		stderr string
	}{
		{"inspect/maps-el.o.txt", []string{"inspect", "maps-el.o"}, 0, ""},
		{"inspect/minimal-el.o.txt", []string{"inspect", "-S", "minimal-el.o"}, 0, ""},
		{"inspect/programs-eb.o.txt", []string{"inspect", "programs-eb.o"}, 0, ""},
		{"inspect/before-el.o.json", []string{"inspect", "-json", "before-el.o"}, 0, ""},
		{"inspect/before-el.o.c", []string{"inspect", "-c", "before-el.o"}, 0, ""},
		{"inspect/before-el.o.svg", []string{"inspect", "-graph", "-", "before-el.o"}, 0, ""},
		{"report/guards-el.o.txt", []string{"report", "guards-el.o"}, 0, ""},
		{"report/minimal-el.o.json", []string{"report", "-json", "minimal-el.o"}, 0, ""},
		{"report/tooold.txt", []string{"report", "-min-kernel", "5.4", "before-el.o"}, 1,
			"needs a newer kernel than 5.4:\n\t5.8: helper bpf_ringbuf_output, used by moved, before.bpf.c:71\n\t5.8: map type RingBuf, used by map events\n"},
		{"diff/before-after.txt", []string{"diff", "before-el.o", "after-el.o"}, 0, ""},
		{"diff/before-after.json", []string{"diff", "-json", "before-el.o", "after-el.o"}, 0, ""},
		{"diff/fail.txt", []string{"diff", "-fail-on", "program,kernel", "before-el.o", "after-el.o"}, 1,
			"bpfgen: 6 changes that -fail-on program,kernel names; the first: program moved section\n"},
		{"diff/same.txt", []string{"diff", "-fail-on", "any", "before-el.o", "before-el.o"}, 0, ""},
	} {
		args := append([]string(nil), test.args...)
		for i, arg := range args {
			if strings.HasSuffix(arg, ".o") {
				args[i] = filepath.Join(objects, arg)
			}
		}
		got := bpfgen(t, nil, args...)
		if got.code != test.code || !strings.HasSuffix(got.stderr, test.stderr) || test.stderr == "" && got.stderr != "" {
			t.Errorf("%v: %+v", test.args, got)
		}
		testutil.Golden(t, test.golden, []byte(got.stdout))
	}
}

// -c is C that a compiler takes.
func TestInspectTypesCompile(t *testing.T) {
	got := bpfgen(t, nil, "inspect", "-c", filepath.Join(objects, "types-el.o"))
	if got.code != 0 {
		t.Fatalf("%+v", got)
	}
	testutil.Compile(t, got.stdout)
}

// A package stands for the objects that were generated there: one of each stem,
// for this machine.
func TestObjectsOfAPackage(t *testing.T) {
	got := bpfgen(t, nil, "inspect", "../../examples/snoop")
	if got.code != 0 || strings.Count(got.stdout, "license ") != 1 || !strings.HasPrefix(got.stdout, "../../examples/snoop/snoop_bpfe") {
		t.Errorf("%+v", got)
	}
	byPath := bpfgen(t, os.Environ(), "inspect", "github.com/bpfgen/bpfgen/examples/snoop")
	if byPath.code != 0 || !strings.Contains(byPath.stdout, "handle_exec") {
		t.Errorf("%+v", byPath)
	}
	for arg, want := range map[string]string{
		"testdata": "no object files that bpfgen generated", "no.o": "no such file", "no/such/package": "is no file, and no package",
	} {
		if got := bpfgen(t, os.Environ(), "report", arg); got.code != 1 || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: %+v", arg, got)
		}
	}
}

// load tries each program, exits 1 if one is rejected, and tells what changed
// since another run.
func TestLoad(t *testing.T) {
	testutil.Needs(t, testutil.RingBuf)
	object := filepath.Join(objects, "before-el.o")
	asJSON := bpfgen(t, nil, "load", "-json", object)
	var results []trial.Result
	if err := json.Unmarshal([]byte(asJSON.stdout), &results); err != nil || asJSON.code != 0 {
		t.Fatalf("%v: %+v", err, asJSON)
	}
	if len(results) != 1 || results[0].Program != "moved" || results[0].Verdict != trial.OK || results[0].Processed == 0 {
		t.Fatalf("%+v", results)
	}
	before := filepath.Join(t.TempDir(), "before.json")
	for _, test := range []struct{ replace, by, want string }{
		{"", "", "Nothing changed."},
		{`"verdict": "ok"`, `"verdict": "rejected"`, "moved    verdict  rejected  ok"},
		{`"program": "moved"`, `"program": "other"`, "other    program  ok      gone"},
	} {
		if err := os.WriteFile(before, []byte(strings.Replace(asJSON.stdout, test.replace, test.by, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := bpfgen(t, nil, "load", "-compare", before, object); got.code != 0 || !strings.Contains(got.stdout, test.want) {
			t.Errorf("want %q: %+v", test.want, got)
		}
	}
	if got := bpfgen(t, nil, "load", "-csv", object); got.code != 0 || strings.Count(got.stdout, "\n") != 2 {
		t.Errorf("%+v", got)
	}
	if got := bpfgen(t, nil, "load", "-program", "nope", object); got.code != 1 || !strings.Contains(got.stderr, "no program nope") {
		t.Errorf("%+v", got)
	}
}

func TestLoadExplainsRejection(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	dir := t.TempDir()
	object := filepath.Join(dir, "bad.o")
	code := testutil.Compile(t, `__attribute__((section("socket"))) int bad(int *ctx) { return *(volatile int *)8; }`)
	if err := os.WriteFile(object, code, 0o600); err != nil {
		t.Fatal(err)
	}
	got := bpfgen(t, nil, "load", object)
	if got.code != 1 || !strings.Contains(got.stdout, "rejected") || !strings.Contains(got.stderr, "1 of 1 programs don't load") {
		t.Errorf("%+v", got)
	}
}

// -min-kernel refuses to generate what needs more, and writes nothing.
func TestMinKernelFlag(t *testing.T) {
	source := "//go:build ignore\n__attribute__((section(\"xdp\"))) int prog(void *ctx) { return 2; }\n"
	folder(t, map[string]string{"prog.c": source})
	got := bpfgen(t, nil, "-min-kernel", "4.4", "Snoop", "prog.c")
	if got.code != 1 || !strings.Contains(got.stderr, "needs a newer kernel than 4.4:\n\t4.8: program type XDP, used by prog\n") {
		t.Errorf("%+v", got)
	}
	if written := tree(t); len(written) != 1 {
		t.Errorf("wrote %v", written)
	}
	if got := bpfgen(t, nil, "-min-kernel", "4.8", "Snoop", "prog.c"); got.code != 0 {
		t.Errorf("%+v", got)
	}
	if got := bpfgen(t, nil, "-min-kernel", "soon", "Snoop", "prog.c"); got.code != exitUsage {
		t.Errorf("%+v", got)
	}
}

func TestObjectCommandUsage(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"inspect", "one object file"},
		{"inspect -graph x.svg a b", "one object file"},
		{"report a b", "one object file"},
		{"report -min-kernel new a", "a major and a minor number, as in 5.15"},
		{"diff a", "an old and a new object file"},
		{"diff -fail-on size a b", "there is no such class"},
		{"load", "object files or packages"},
		{"load -json -csv a", "which one?"},
		{"completion csh", "one of bash, zsh and fish"},
	} {
		if got := bpfgen(t, nil, strings.Fields(test.args)...); got.code != exitUsage || !strings.Contains(got.stderr, test.want) {
			t.Errorf("%s: %+v", test.args, got)
		}
	}
}

// Every command has a help with an example, and a page in docs/ with that help.
func TestCommandPages(t *testing.T) {
	for _, cmd := range commands() {
		if cmd.name == "" {
			continue
		}
		help := bpfgen(t, nil, cmd.name, "-h")
		if help.code != 0 || help.stderr != "" || !strings.Contains(help.stdout, "Example:\n\n\tbpfgen "+cmd.name) {
			t.Errorf("%s -h: %+v", cmd.name, help)
		}
		page, err := os.ReadFile("../../docs/commands/" + cmd.name + ".md")
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Contains(page, []byte("```text\n"+help.stdout+"```\n")) {
			t.Errorf("docs/commands/%s.md doesn't have what bpfgen %[1]s -h says", cmd.name)
		}
		checkExamples(t, string(page))
	}
}

var pageExample = regexp.MustCompile("(?s)\n`bpfgen ([^`]*)`:\n\n```text\n(.*?)```\n")

// checkExamples runs what a page shows, in the project's folder.
func checkExamples(t *testing.T, page string) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("../..")
	defer t.Chdir(here)
	for _, match := range pageExample.FindAllStringSubmatch(page, -1) {
		got := bpfgen(t, nil, strings.Fields(match[1])...)
		if diff := cmp.Diff(match[2], got.stdout); diff != "" {
			t.Errorf("bpfgen %s: the page differs:\n%s", match[1], diff)
		}
	}
}

// The scripts are ones that their shells take, and complete commands and flags.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		got := bpfgen(t, nil, "completion", shell)
		for _, word := range []string{"report", "fail-on", "min-kernel", "output-stem"} {
			if got.code != 0 || !strings.Contains(got.stdout, word) {
				t.Errorf("%s: no %s in %+v", shell, word, got)
			}
		}
	}
	script := bpfgen(t, nil, "completion", "bash").stdout
	bash := exec.Command("bash", "-c", script+`
COMP_WORDS=(bpfgen rep) COMP_CWORD=1; _bpfgen; echo "${COMPREPLY[@]}"
COMP_WORDS=(bpfgen diff -f) COMP_CWORD=2; _bpfgen; echo "${COMPREPLY[@]}"`)
	bash.Dir = t.TempDir()
	if out, err := bash.CombinedOutput(); err != nil || string(out) != "report\n-fail-on\n" {
		t.Errorf("%v: %s", err, out)
	}
}
