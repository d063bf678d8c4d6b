package codegen

import (
	"bytes"
	"go/ast"
	"go/build/constraint"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// goldenRequest reads the first line of a test case, which is its command line.
func goldenRequest(t *testing.T, dir string) Request {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(dir, "in.bpf.c"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(source), "\n")
	args, ok := strings.CutPrefix(line, "// bpfgen: ")
	if !ok {
		t.Fatalf("%s doesn't start with // bpfgen: Ident", dir)
	}
	words := strings.Fields(args)
	req := request(t, dir, words[0])
	for i := 1; i < len(words); i += 2 {
		switch words[i] {
		case "-untyped":
			req.Untyped = true
			i--
		case "-type":
			r, err := ParseTypeRequest(words[i+1])
			if err != nil {
				t.Fatal(err)
			}
			req.Types = append(req.Types, r)
		case "-event":
			event, err := ParseEventRequest(words[i+1])
			if err != nil {
				t.Fatal(err)
			}
			req.Events = append(req.Events, event)
		case "-const":
			req.Consts = append(req.Consts, words[i+1])
		default:
			t.Fatalf("%s: unknown flag %s", dir, words[i])
		}
	}
	return req
}

// request asks for both byte orders of in.bpf.c in dir.
func request(t *testing.T, dir, ident string) Request {
	t.Helper()
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	targets, err := ParseTargets("bpfel,bpfeb")
	if err != nil {
		t.Fatal(err)
	}
	return Request{
		Ident: ident, Sources: []string{"in.bpf.c"}, Package: "golden", Dir: dir, OutputDir: t.TempDir(), OutputStem: "out",
		Env: os.Environ(), Compiler: clang(t), Targets: targets,
	}
}

// What is generated is compared with golden files, and compiled for each
// architecture that it says it is for, where the compiler checks the layout.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*/in.bpf.c")
	if err != nil || len(cases) == 0 {
		t.Fatal("no test cases:", err)
	}
	for _, source := range cases {
		dir := filepath.Dir(source)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			result, err := Generate(t.Context(), goldenRequest(t, dir))
			if err != nil {
				t.Fatalf("%v\n%s", err, messagesOf(err))
			}
			if len(result.Messages) > 0 {
				t.Errorf("the compiler says:\n%s", result.Messages)
			}
			for _, file := range result.Files {
				name := filepath.Base(file.Path)
				if filepath.Ext(name) != ".go" {
					continue // other compilers give other objects
				}
				testutil.Golden(t, filepath.Base(dir)+"/"+name+".golden", file.Data)
				typeCheck(t, name, file.Data)
			}
			if len(result.Warnings) > 0 || filepath.Base(dir) == "warnings" {
				testutil.Golden(t, filepath.Base(dir)+"/warnings.txt", []byte(strings.Join(result.Warnings, "\n")+"\n"))
			}
		})
	}
}

// stdlib type-checks the packages that generated code imports, once.
var stdlib = sync.OnceValue(func() types.Importer {
	return importer.ForCompiler(token.NewFileSet(), "source", nil)
})

// fakeRuntime stands for the runtime: these tests are about generated code.
const fakeRuntime = `package ebpf

import "io"

type (
	CollectionSpec    struct{}
	Requirements      struct {
		MinKernel, Because   string
		Capabilities, Config []string
	}
	CollectionOptions struct{}
	MapSpec           struct{}
	ProgramSpec       struct{}
	VariableSpec      struct{}
	Map               struct{}
	Program           struct{}
	Variable          struct{}
	Ptr               uint64

	HashMap[K, V any]        struct{ *Map }
	ArrayMap[K, V any]       struct{ *Map }
	SharedArrayMap[K, V any] struct{ *Map }
	PerCPUHashMap[K, V any]  struct{ *Map }
	PerCPUArrayMap[K, V any] struct{ *Map }
	LPMTrieMap[K, V any]     struct{ *Map }
	QueueMap[V any]          struct{ *Map }
	BloomFilterMap[V any]    struct{ *Map }
	StorageMap[V any]        struct{ *Map }
	SocketMap[K any]         struct{ *Map }
	ProgramArrayMap[K any]   struct{ *Map }
	MapOfMaps[K, M any]      struct{ *Map }
	Var[T any]               struct{}
	IntVar[T any]            struct{}
	Const[T any]             struct{}
	VarSpec[T any]           struct{ *VariableSpec }
	StructOpsSpec            struct{ *MapSpec }
	Member[T any]            struct{}
	FuncMember               struct{}
	Report                   struct{}
	Alternative              struct {
		Name    string
		Program **Program
		Attach  func() error
	}
)

const SupportsGeneratedCodeV1 = true

func LoadCollectionSpecFromReader(io.ReaderAt) (*CollectionSpec, error)
func LoadEncodedSpecFromReader(io.ReaderAt) (*CollectionSpec, error)
func (*CollectionSpec) AssignEncoded(any) error
func (*CollectionSpec) LoadAndAssign(any, *CollectionOptions) error
func (*CollectionSpec) LoadAndReport(any, *CollectionOptions) (*Report, error)
func (*Report) Choose(string, ...Alternative) error
func (*Map) Close() error
func (*Program) Close() error
`

// fakeEvents stands for the runtime's packages ringbuf and perf.
const fakeEvents = `package events

import "io"

type (
	Events[T any]   struct{ io.Closer }
	Commands[T any] struct{ io.Closer }
)
`

// fakeLink stands for the runtime's package of that name.
const fakeLink = `package link

import (
	"io"

	ebpf "github.com/bpfgen/bpfgen/runtime"
)

type (
	Link    interface{ io.Closer }
	Options interface{ forAuto() }
	Iter    struct{ Link }

	IterOptions      struct{ Program *ebpf.Program }
	StructOpsOptions struct{ Map *ebpf.Map }

	all                  struct{}
	TargetFD             int
	CgroupOptions        struct{ all }
	KprobeTarget         struct{ all }
	KprobeMultiOptions   struct{ all }
	NetfilterOptions     struct{ all }
	NetkitOptions        struct{ all }
	RawTracepointOptions struct{ all }
	SocketTarget         struct{ all }
	SockmapOptions       struct{ all }
	TCTarget             struct{ all }
	TCXOptions           struct{ all }
	TracepointTarget     struct{ all }
	UprobeMultiTarget    struct{ all }
	UprobeTarget         struct{ all }
	USDTTarget           struct{ all }
	XDPOptions           struct{ all }
)

func (all) forAuto()
func (TargetFD) forAuto()
func Auto(*ebpf.Program, ...Options) (Link, error)
func AttachIter(IterOptions) (*Iter, error)
func AttachStructOps(StructOpsOptions) (Link, error)
`

type testImporter map[string]*types.Package

func (i testImporter) Import(path string) (*types.Package, error) {
	if p := i[path]; p != nil {
		return p, nil
	}
	return stdlib().Import(path)
}

// typeCheck compiles a file, up to but without code, for all of its
// architectures, and returns what it declares on each.
func typeCheck(t *testing.T, name string, code []byte) map[string]*types.Package {
	t.Helper()
	declared := make(map[string]*types.Package)
	fset := token.NewFileSet()
	parse := func(name string, code any) *ast.File {
		f, err := parser.ParseFile(fset, name, code, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	fakes := testImporter{}
	check := func(path, code string) *types.Package {
		p, err := (&types.Config{Importer: fakes}).Check(path, fset, []*ast.File{parse(path+".go", code)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	fakes[runtimePath] = check(runtimePath, fakeRuntime)
	fakes[ringbufPath], fakes[perfPath] = check(ringbufPath, fakeEvents), check(perfPath, fakeEvents)
	fakes[linkPath] = check(linkPath, fakeLink)
	file := parse(name, code)
	for _, arch := range architectures(t, code) {
		config := types.Config{
			Importer: fakes,
			Sizes:    types.SizesFor("gc", arch),
			Error:    func(err error) { t.Errorf("%s: %v", arch, err) },
		}
		if config.Sizes == nil {
			t.Fatal("no sizes for", arch)
		}
		declared[arch], _ = config.Check("golden", fset, []*ast.File{file}, nil) // errors went to Error
	}
	return declared
}

// architectures evaluates the build constraint of a file.
func architectures(t *testing.T, code []byte) []string {
	t.Helper()
	var names []string
	for line := range bytes.Lines(code) {
		if !constraint.IsGoBuild(string(line)) {
			continue
		}
		expr, err := constraint.Parse(string(line))
		if err != nil {
			t.Fatal(err)
		}
		for _, arch := range goArches() {
			if expr.Eval(func(tag string) bool { return tag == arch.name }) {
				names = append(names, arch.name)
			}
		}
	}
	if len(names) == 0 {
		t.Error("the file is for no architecture")
	}
	return names
}
