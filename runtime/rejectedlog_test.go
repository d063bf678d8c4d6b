package ebpf

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// recordedLog is a rejection as some kernel has logged it.
type recordedLog struct {
	name  string
	level LogLevel
	errno syscall.Errno
	log   string
}

// recordedLogs reads a file that TestRejections -record has written.
func recordedLogs(t *testing.T, file string) []recordedLog {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var logs []recordedLog
	for _, part := range strings.Split("\n"+string(text), "\n=== ")[1:] {
		head, log, _ := strings.Cut(part, "\n")
		fields := strings.Fields(head)
		if len(fields) != 3 {
			t.Fatalf("%s: malformed line %q", file, head)
		}
		level, err1 := strconv.Atoi(fields[1])
		errno, err2 := strconv.Atoi(fields[2])
		if err1 != nil || err2 != nil {
			t.Fatalf("%s: malformed line %q", file, head)
		}
		logs = append(logs, recordedLog{fields[0], LogLevel(level), syscall.Errno(errno), log})
	}
	return logs
}

// kernelDependent are programs whose errors depend on more than the log: on the
// types of the kernel that they were relocated for.
var kernelDependent = map[string]bool{"relocation": true}

// What errors say of logs that several kernels have written is in golden files,
// one a kernel. Those of the running kernel's series are what TestRejections
// expects of it.
func TestRecordedRejections(t *testing.T) {
	files, err := filepath.Glob("../testdata/rejected/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("recorded logs: %v, %v", files, err)
	}
	spec := parse(t, objectFile("rejected"))
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var got strings.Builder
			for _, recorded := range recordedLogs(t, file) {
				if kernelDependent[recorded.name] || unlinked(recorded) {
					continue
				}
				fmt.Fprintf(&got, "=== %s %d\n%s\n\n", recorded.name, recorded.level, recorded.explained(t, spec))
			}
			testutil.Golden(t, "rejected/"+filepath.Base(file), []byte(got.String()))
		})
	}
}

// unlinked tells whether a program was loaded without functions that its kernel
// lacks, which is not in the log.
func unlinked(r recordedLog) bool { return strings.Contains(r.log, "unknown#2002") }

// explained is the error for a recorded log.
func (r *recordedLog) explained(t *testing.T, spec *CollectionSpec) *VerifierError {
	t.Helper()
	name, change := r.name, func(*ProgramSpec) {}
	for _, known := range rejections {
		if known.name != r.name {
			continue
		}
		if known.program != "" {
			name = known.program
		}
		if known.change != nil {
			change = known.change
		}
	}
	ps := spec.Programs[name].Copy()
	if ps == nil {
		t.Fatalf("no program %q", name)
	}
	change(ps)
	ve := newVerifierError(&kernel.Error{Cmd: kernel.CmdProgLoad, Errno: r.errno}, []byte(r.log), false)
	ve.explain(ps, ps.Instructions)
	return ve
}

// runningSeries is the version of the running kernel.
func runningSeries(t *testing.T) uapi.KernelVersion {
	t.Helper()
	version, err := kernel.Version()
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// goldenErrors are the errors that a kernel is expected to give, by program;
// none if its logs aren't recorded.
func goldenErrors(t *testing.T, series uapi.KernelVersion) map[string]string {
	t.Helper()
	if flag.Lookup("update").Value.String() == "true" || *recordLogs != "" {
		return nil
	}
	text, err := os.ReadFile(fmt.Sprintf("testdata/rejected/%s.txt", series))
	if err != nil {
		return nil
	}
	golden := make(map[string]string)
	for _, part := range strings.Split("\n"+string(text), "\n=== ")[1:] {
		head, body, _ := strings.Cut(part, "\n")
		if name, ok := strings.CutSuffix(head, " 1"); ok {
			golden[name] = strings.TrimRight(body, "\n")
		}
	}
	return golden
}

// docs/diagnostics.md shows errors word for word.
func TestDiagnosticsPage(t *testing.T) {
	page, err := os.ReadFile("../docs/diagnostics.md")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs the folder docs of the module")
	}
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("testdata/rejected/6.18.txt")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, block := range strings.Split(string(page), "\n```\n") {
		if !strings.HasPrefix(block, "rejected.bpf.c:") {
			continue
		}
		if shown++; block != unreachableField && !strings.Contains(string(golden), "\n"+block+"\n") {
			t.Errorf("no error says this:\n%s", block)
		}
	}
	if shown < 4 {
		t.Errorf("the page shows %d errors", shown)
	}
}
