package ebpf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// newTestProgram loads a program, until the end of the test.
func newTestProgram(t testing.TB, spec *ProgramSpec, opts ProgramOptions) *Program {
	t.Helper()
	testutil.Needs(t, testutil.BPF)
	p, err := NewProgramWithOptions(spec, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestProgramRun(t *testing.T) {
	testutil.Needs(t, testutil.TestRun)
	p := newTestProgram(t, returning(7), ProgramOptions{})
	in := make([]byte, 20)
	ret, out, err := p.Test(in)
	if err != nil || ret != 7 || len(out) != 20 {
		t.Error(ret, out, err)
	}
	ret, err = p.Run(&RunOptions{Data: in, Repeat: 3})
	if err != nil || ret != 7 {
		t.Error(ret, err)
	}
	ret, duration, err := p.Benchmark(in, 100, nil)
	if err != nil || ret != 7 || duration < 0 {
		t.Error(ret, duration, err)
	}
	if _, _, err := p.Benchmark(in, -1, nil); err == nil {
		t.Error("a negative number of runs")
	}
	_, err = p.Run(&RunOptions{Data: in, DataOut: make([]byte, 3)})
	if want := `run program "returning": BPF_PROG_TEST_RUN: no space left on device: DataOut has 3 bytes, needed are 20`; errorText(err) != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
	if _, _, err := p.Test(make([]byte, 1)); !errors.Is(err, unix.EINVAL) {
		t.Error(err)
	}
}

func TestProgramRunContext(t *testing.T) {
	testutil.NeedsLinux(t, "programs of type syscall", 5, 14)
	// A program of type syscall gets any context, and can write to it.
	p := newTestProgram(t, &ProgramSpec{
		Name: "context", Type: Syscall, License: "MIT", Flags: unix.BPF_F_SLEEPABLE,
		Instructions: asm.Instructions{
			asm.LoadMem(asm.R0, asm.R1, 0, asm.Word),
			asm.LoadImm(asm.R2, 9, asm.DWord),
			asm.StoreMem(asm.R1, 4, asm.R2, asm.Word),
			asm.Return(),
		},
	}, ProgramOptions{})
	type context struct{ In, Out uint32 }
	for _, in := range []any{context{In: 5}, &context{In: 5}, []uint32{5, 0}, u32(5, 0)} {
		var out context
		ret, err := p.Run(&RunOptions{Context: in, ContextOut: &out})
		if err != nil || ret != 5 {
			t.Error(ret, out, err)
		}
	}
	if _, err := p.Run(&RunOptions{Context: new(int)}); err == nil || !strings.Contains(err.Error(), "context: the size of int depends on the machine") {
		t.Error(err)
	}
}

func TestProgramNotRunnable(t *testing.T) {
	testutil.Needs(t, testutil.TestRun)
	spec := returning(0)
	spec.Type = TracePoint
	p := newTestProgram(t, spec, ProgramOptions{})
	if _, err := p.Run(nil); !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "kernel doesn't run TracePoint programs for tests") {
		t.Error(err)
	}
}

func TestProgramInfo(t *testing.T) {
	testutil.Needs(t, testutil.BTF)
	coll := collection(t, "minimal")
	p, m := coll.Programs["my_prog"], coll.Maps["my_map"]
	info, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	if info.Type != SocketFilter || info.Name != "my_prog" || len(info.Tag) != 16 {
		t.Error(info)
	}
	mapInfo, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	mapID, _ := mapInfo.ID()
	if ids, ok := info.MapIDs(); !ok || len(ids) != 1 || ids[0] != mapID {
		t.Error(ids, mapID)
	}
	if uid, ok := info.CreatedByUID(); !ok || int(uid) != os.Getuid() {
		t.Error(uid)
	}
	if at, ok := info.LoadTime(); !ok || at <= 0 {
		t.Error(at)
	}
	if n, ok := info.VerifiedInstructions(); ok != kernel.AtLeast(uapi.KernelVersion{Major: 5, Minor: 16}) || ok && n == 0 {
		t.Error(n)
	}
	if id, ok := info.BTFID(); !ok || id == 0 {
		t.Error(id)
	}
	insns, err := info.Instructions()
	if err != nil || insns.Name() != "my_prog" {
		t.Error(insns, err)
	}
	if n, err := info.TranslatedSize(); err != nil || uint64(n) != insns.Size() {
		t.Error(n, err)
	}
	if n, err := info.JitedSize(); testutil.Lacks(testutil.JIT) == "" && (err != nil || n == 0) {
		t.Error(n, err)
	}
	id, _ := info.ID()
	same, err := NewProgramFromID(id)
	if err != nil {
		t.Fatal(err)
	}
	defer same.Close()
	if same.Type() != SocketFilter || same.String() != fmt.Sprintf("SocketFilter(my_prog)#%d", same.FD()) {
		t.Error(same)
	}
	if next, err := ProgramGetNextID(id - 1); err != nil || next != id {
		t.Error(next, err)
	}
	if _, err := NewProgramFromID(1 << 31); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestProgramStats(t *testing.T) {
	testutil.Needs(t, testutil.TestRun)
	p := newTestProgram(t, returning(0), ProgramOptions{})
	var stats io.Closer
	stats, err := EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		t.Fatal(err)
	}
	defer stats.Close()
	if _, err := p.Run(&RunOptions{Data: make([]byte, 14), Repeat: 10}); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Stats(); err != nil || got.RunCount != 10 {
		t.Error(got, err)
	}
}

func TestProgramClose(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	testutil.CheckFDs(t)
	p, err := NewProgram(returning(1))
	if err != nil {
		t.Fatal(err)
	}
	clone, err := p.Clone()
	if err != nil {
		t.Fatal(err)
	}
	defer clone.Close()
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := (*Program)(nil).Close(); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"Run":   second(p.Run(&RunOptions{Data: make([]byte, 14)})),
		"Info":  second(p.Info()),
		"Stats": second(p.Stats()),
		"Clone": second(p.Clone()),
		"Pin":   p.Pin("/sys/fs/bpf/never"),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if ret, _, err := clone.Test(make([]byte, 14)); ret != 1 || err != nil {
		t.Error("the clone is closed, too:", ret, err)
	}
	if _, err := NewProgramFromFD(-1); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestProgramPin(t *testing.T) {
	path := filepath.Join(testutil.BPFFS(t), "prog")
	p := newTestProgram(t, returning(4), ProgramOptions{})
	if err := p.Pin(path); err != nil || !p.IsPinned() {
		t.Fatal(err)
	}
	same, err := LoadPinnedProgram(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer same.Close()
	if ret, _, err := same.Test(make([]byte, 14)); ret != 4 || err != nil {
		t.Error(ret, err)
	}
	if err := p.Unpin(); err != nil || p.IsPinned() {
		t.Error(err)
	}
}

// Without a collection, maps are associated with instructions.
func TestProgramWithAssociatedMap(t *testing.T) {
	m := newTestMap(t, &MapSpec{Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err := m.Put(uint32(0), uint32(3)); err != nil {
		t.Fatal(err)
	}
	spec := returning(0)
	spec.Instructions = asm.Instructions{
		asm.LoadMapPtr(asm.R1, m.FD()),
		asm.LoadMapValue(asm.R1, m.FD(), 0),
		asm.LoadMem(asm.R0, asm.R1, 0, asm.Word),
		asm.Return(),
	}
	p := newTestProgram(t, spec, ProgramOptions{})
	if ret, _, err := p.Test(make([]byte, 14)); err != nil || ret != 3 {
		t.Error(ret, err)
	}
	spec.Instructions[1] = asm.LoadMapValue(asm.R1, 0, 0).WithReference("later")
	if _, err := NewProgram(spec); !errors.Is(err, asm.ErrUnsatisfiedMapReference) {
		t.Error(err)
	}
	if err := spec.Instructions.AssociateMap("later", m); err != nil {
		t.Fatal(err)
	}
	q := newTestProgram(t, spec, ProgramOptions{})
	if ret, _, err := q.Test(make([]byte, 14)); err != nil || ret != 3 {
		t.Error(ret, err)
	}
	if err := q.BindMap(m); err != nil {
		t.Error(err)
	}
}

func TestVerifierLog(t *testing.T) {
	p := newTestProgram(t, returning(0), ProgramOptions{LogLevel: LogLevelInstruction | LogLevelStats})
	if !strings.Contains(p.VerifierLog, "processed 2 insns") {
		t.Error(p.VerifierLog)
	}
	if quiet := newTestProgram(t, returning(0), ProgramOptions{}); quiet.VerifierLog != "" {
		t.Error(quiet.VerifierLog)
	}
	_, err := NewProgramWithOptions(rejected(), ProgramOptions{LogDisabled: true})
	if want := `program "bad" (section "socket"): BPF_PROG_LOAD: permission denied`; errorText(err) != want {
		t.Error(err)
	}
	var ve *VerifierError
	_, err = NewProgram(rejected())
	if !errors.As(err, &ve) || !errors.Is(err, unix.EACCES) || len(ve.Log) < 3 || ve.Truncated {
		t.Errorf("%+v", err)
	}
}

// A log that doesn't fit the first buffer is had whole all the same.
func TestVerifierLogGrows(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	spec := rejected()
	spec.Instructions = nil
	for range 4000 {
		spec.Instructions = append(spec.Instructions, asm.Mov.Imm(asm.R1, 0))
	}
	spec.Instructions = append(spec.Instructions, asm.Return())
	_, err := NewProgramWithOptions(spec, ProgramOptions{LogLevel: LogLevelInstruction})
	var ve *VerifierError
	if !errors.As(err, &ve) || ve.Truncated || len(ve.Log) < 4000 || !strings.HasPrefix(ve.Log[0], "func#0") {
		t.Errorf("%v", err)
	}
}

// Without privileges, the error says which capability is missing.
func TestUnprivileged(t *testing.T) {
	if os.Getenv("BPFGEN_TEST_UNPRIVILEGED") != "" {
		_, err := LoadCollection(os.Getenv("BPFGEN_TEST_UNPRIVILEGED"))
		fmt.Println("error:", err)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("needs root: to become somebody else")
	}
	dir, err := os.MkdirTemp("", "unprivileged")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	exe, object := filepath.Join(dir, "test"), filepath.Join(dir, "prog.o")
	for from, to := range map[string]string{self: exe, objectFile("minimal"): object} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, data, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(exe, "-test.run=^TestUnprivileged$")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "BPFGEN_TEST_UNPRIVILEGED="+object)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := `error: map "my_map": BPF_MAP_CREATE: operation not permitted: needs CAP_BPF (or CAP_SYS_ADMIN)`; !strings.Contains(string(out), want) {
		t.Errorf("\n got %s\nwant %s", out, want)
	}
}

func TestProgramCompatible(t *testing.T) {
	spec := returning(3)
	info, err := newTestProgram(t, spec, ProgramOptions{}).Info()
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Compatible(info); err != nil {
		t.Error(err)
	}
	if err := returning(4).Compatible(info); !errors.Is(err, ErrProgIncompatible) {
		t.Error(err)
	}
}
