package ebpf

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// alternativeObjs is what a generator makes of alternatives.bpf.c.
type alternativeObjs struct {
	Always     *Program       `ebpf:"always"`
	ExecFentry *Program       `ebpf:"exec_fentry,optional"`
	ExecBroken *Program       `ebpf:"exec_broken,optional"`
	ExecRaw    *Program       `ebpf:"exec_raw,optional"`
	ExecSpare  *Program       `ebpf:"exec_spare,optional"`
	OnExit     *Program       `ebpf:"on_exit,optional"`
	Runs       IntVar[uint64] `ebpf:"runs"`
}

func (o *alternativeObjs) Close() {
	_ = closeAll([]*Program{o.Always, o.ExecFentry, o.ExecBroken, o.ExecRaw, o.ExecSpare, o.OnExit})
}

func loadAlternatives(t *testing.T, change func(*CollectionSpec)) (*alternativeObjs, *Report, error) {
	t.Helper()
	testutil.Needs(t, testutil.MapMmapable)
	spec := parse(t, objectFile("alternatives"))
	change(spec)
	objs := new(alternativeObjs)
	report, err := spec.LoadAndReport(objs, nil)
	t.Cleanup(objs.Close)
	return objs, report, err
}

// Programs that this kernel refuses stay nil, and the report says why.
func TestLoadAlternatives(t *testing.T) {
	objs, report, err := loadAlternatives(t, func(*CollectionSpec) {})
	if err != nil {
		t.Fatal(err)
	}
	if objs.ExecFentry != nil || objs.ExecBroken != nil || objs.ExecRaw == nil || objs.ExecSpare == nil || objs.OnExit != nil || objs.Always == nil {
		t.Errorf("loaded is %+v", objs)
	}
	var verdict *VerifierError
	if broken := report.Program("exec_broken"); broken == nil || broken.State != ProgramLoadFailed || !errors.As(broken.Err, &verdict) {
		t.Errorf("report about exec_broken: %+v", broken)
	}
	for _, line := range []string{
		"always SEC(\"socket\"): loaded\n",
		"exec_broken SEC(\"raw_tp/sched_process_exec\"), alternative for exec: load failed: alternatives.bpf.c:26:55: R1 invalid mem access",
		"exec_fentry SEC(\"fentry/bpfgen_no_such_function\"), alternative for exec: load failed: program \"exec_fentry\"",
		"exec_raw SEC(\"raw_tp/sched_process_exec\"), alternative for exec: loaded\n",
		"on_exit SEC(\"?raw_tp/sched_process_exit\"): not asked for\n",
	} {
		if !strings.Contains(report.String(), line) {
			t.Errorf("report lacks %q:\n%s", line, report)
		}
	}
}

func TestNoAlternativeLoads(t *testing.T) {
	_, _, err := loadAlternatives(t, func(cs *CollectionSpec) {
		cs.Programs["exec_raw"].Optional = true
		cs.Programs["exec_spare"].Optional = true
	})
	var verdict *VerifierError
	if err == nil || !errors.As(err, &verdict) {
		t.Fatal("got", err)
	}
	for _, part := range []string{
		"none of the alternatives for exec can be loaded:\n\talternatives.bpf.c:26:55: R1 invalid mem access",
		"\n\tprogram \"exec_fentry\" (section \"fentry/bpfgen_no_such_function\")",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error lacks %q:\n%v", part, err)
		}
	}
}

// Optional says what to load, whatever the section said.
func TestLoadOnDemand(t *testing.T) {
	objs, report, err := loadAlternatives(t, func(cs *CollectionSpec) {
		cs.Programs["on_exit"].Optional = false
		cs.Programs["always"].Optional = true
	})
	if err != nil {
		t.Fatal(err)
	}
	if objs.OnExit == nil || objs.Always != nil {
		t.Errorf("loaded is %+v", objs)
	}
	equal(t, "on_exit", report.Program("on_exit").State, nil, ProgramLoaded)
	equal(t, "always", report.Program("always").State, nil, ProgramNotAskedFor)
}

// LoadAndAssign asks for what has a plain tag, and a collection has what loads.
func TestAlternativesElsewhere(t *testing.T) {
	testutil.Needs(t, testutil.MapMmapable)
	var objs struct {
		alternativeObjs
		OnExit *Program `ebpf:"on_exit"`
	}
	spec := parse(t, objectFile("alternatives"))
	err := spec.LoadAndAssign(&objs, nil)
	if err == nil || !strings.Contains(err.Error(), `"on_exit" is already assigned`) {
		t.Error("got", err)
	}
	if err := spec.LoadAndAssign(&objs.alternativeObjs, nil); err != nil {
		t.Fatal(err)
	}
	defer objs.Close()
	if objs.ExecFentry != nil || objs.ExecRaw == nil || objs.alternativeObjs.OnExit != nil {
		t.Errorf("loaded is %+v", objs)
	}
	coll, err := NewCollection(parse(t, objectFile("alternatives")))
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	if coll.Programs["exec_broken"] != nil || coll.Programs["exec_raw"] == nil || coll.Programs["on_exit"] != nil {
		t.Errorf("collection has %v", coll.Programs)
	}
	var broken struct {
		P *Program `ebpf:"exec_broken"`
	}
	if err := parse(t, objectFile("alternatives")).LoadAndAssign(&broken, nil); err == nil {
		t.Error("a field asks for a program that can't be loaded, and there is no error")
	}
}

// The first that attaches is chosen, the others go.
func TestChoose(t *testing.T) {
	objs, report, err := loadAlternatives(t, func(*CollectionSpec) {})
	if err != nil {
		t.Fatal(err)
	}
	refuse := errors.New("not on this kernel")
	attach := map[string]error{"exec_raw": refuse, "exec_spare": refuse}
	var tried []string
	alternative := func(name string, field **Program) Alternative {
		return Alternative{name, field, func() error { tried = append(tried, name); return attach[name] }}
	}
	choose := func() error {
		return report.Choose("exec", alternative("exec_fentry", &objs.ExecFentry),
			alternative("exec_raw", &objs.ExecRaw), alternative("exec_spare", &objs.ExecSpare))
	}
	err = choose()
	if !errors.Is(err, refuse) || !strings.HasPrefix(err.Error(), "none of the alternatives for exec can be attached:\nexec_fentry: program") {
		t.Error("got", err)
	}
	if objs.ExecRaw == nil || objs.ExecSpare == nil {
		t.Error("programs are closed though none was chosen")
	}
	equal(t, "state", report.Program("exec_raw").State, nil, ProgramAttachFailed)
	attach["exec_spare"] = nil
	is(t, "Choose", choose(), nil)
	if objs.ExecRaw != nil || objs.ExecSpare == nil {
		t.Errorf("loaded is %+v", objs)
	}
	equal(t, "order", strings.Join(tried, " "), nil, "exec_raw exec_spare exec_raw exec_spare")
	equal(t, "state", report.Program("exec_spare").State, nil, ProgramChosen)
	equal(t, "state", report.Program("exec_raw").State, nil, ProgramAttachFailed)
	is(t, "error in the report", report.Program("exec_raw").Err, refuse)

	var none *Report
	is(t, "Choose without report", none.Choose("exec", alternative("exec_spare", &objs.ExecSpare)), nil)
	equal(t, "String without report", none.String(), nil, "")
}
