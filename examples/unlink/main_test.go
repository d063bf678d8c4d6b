package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestRun(t *testing.T) {
	testutil.Needs(t, testutil.GlobalData)
	testutil.CheckFDs(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var out testutil.Output
	go func() {
		defer cancel()
		if out.Await(ctx, "alternative for unlink: chosen") {
			if err := os.Remove(file); err != nil {
				t.Error(err)
			}
		}
	}()
	if err := run(ctx, &out, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`(?m)^by_\w+ SEC\("[\w/]+"\), alternative for unlink: chosen$`,
		`(?m)^print SEC\("\?tp/syscalls/sys_enter_unlinkat"\): loaded$`,
		`(?m)^[1-9]\d* files deleted$`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("output lacks %s", want)
		}
	}
	if t.Failed() {
		t.Logf("output:\n%s", out.String())
	}
}

// The first that can be attached is, and the others go. If none can, the error
// says why of each.
func TestAlternatives(t *testing.T) {
	testutil.Needs(t, testutil.GlobalData)
	testutil.CheckFDs(t)
	spec, err := newUnlinkSpecs()
	if err != nil {
		t.Fatal(err)
	}
	spec.ByTracepoint.Optional = true
	objs, err := spec.Load(nil)
	if err != nil {
		t.Fatal(err) // every kernel loads kprobes
	}
	defer objs.Close()
	links, err := objs.Attach()
	if err != nil {
		for _, part := range []string{"attach unlink: none of the alternatives for unlink can be attached:\n", "by_fentry: program", "attach kprobe to \"vfs_unlink\": "} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("error lacks %q:\n%v", part, err)
			}
		}
		return
	}
	defer links.Close()
	report := objs.Report()
	chosen, other, gone := report.Program("by_fentry"), report.Program("by_kprobe"), &objs.ByKprobe
	if links.ByFentry == nil {
		chosen, other, gone = other, chosen, &objs.ByFentry
	}
	if chosen.State != ebpf.ProgramChosen || other.State == ebpf.ProgramChosen || *gone != nil {
		t.Errorf("links %+v, report\n%v", links, report)
	}
}
