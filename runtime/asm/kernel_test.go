package asm_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	. "github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

func TestMain(m *testing.M) { testutil.Main(m) }

const progTypeSchedCLS = 3

// needsKernel is testutil.Needs for what only these tests need.
func needsKernel(t *testing.T, what string, major, minor uint8) {
	t.Helper()
	testutil.NeedsLinux(t, what, major, minor)
}

// load has the kernel verify a program.
func load(t *testing.T, insns Instructions, attr kernel.ProgLoadAttr) *kernel.FD {
	t.Helper()
	code := encode(t, insns, binary.NativeEndian)
	log := make([]byte, 1<<16)
	attr.ProgType = progTypeSchedCLS
	attr.Insns, attr.InsnCnt = kernel.Bytes(code), uint32(len(code)/InstructionSize)
	attr.License = kernel.CString("GPL")
	attr.LogBuf, attr.LogSize, attr.LogLevel = kernel.Bytes(log), uint32(len(log)), 1
	fd, err := kernel.ProgLoad(&attr)
	if err != nil {
		t.Fatalf("load: %v\n%v\n%s", err, insns, kernel.GoString(log))
	}
	t.Cleanup(func() { fd.Close() })
	return fd
}

// run returns what a program returns for a packet.
func run(t *testing.T, insns Instructions) uint32 {
	t.Helper()
	return testRun(t, load(t, insns, kernel.ProgLoadAttr{}))
}

func testRun(t *testing.T, fd *kernel.FD) uint32 {
	t.Helper()
	packet := make([]byte, 64)
	copy(packet, "0123456789abcdef")
	attr := kernel.ProgTestRunAttr{DataIn: kernel.Bytes(packet), DataSizeIn: uint32(len(packet)), Repeat: 1}
	if err := kernel.ProgTestRun(fd, &attr); err != nil {
		t.Fatal(err)
	}
	return attr.Retval
}

// Instructions do in the kernel what their constructors say.
func TestKernelRuns(t *testing.T) {
	testutil.Needs(t, testutil.BPF, testutil.TestRun)

	const stack = -8
	storeStack := func(v int64) Instruction { return StoreImm(RFP, stack, v, DWord) }
	loadStack := func(size Size) Instruction { return LoadMem(R0, RFP, stack, size) }

	for _, test := range []struct {
		name  string
		since uapi.KernelVersion
		want  uint32
		insns Instructions
	}{
		{"arithmetic", uapi.KernelVersion{Major: 4, Minor: 9}, 13, Instructions{
			Mov.Imm(R0, 5), Mul.Imm(R0, 10), Sub.Imm(R0, 8), Div.Imm(R0, 2), Or.Imm(R0, 64), Xor.Imm(R0, 72),
			Neg.Imm(R0, 0), Neg.Imm32(R0, 0), And.Imm32(R0, 0xff), LSh.Imm(R0, 2), RSh.Imm(R0, 2), ArSh.Imm(R0, 0), Mod.Imm(R0, 16),
		}},
		{"64-bit constant", uapi.KernelVersion{Major: 4, Minor: 9}, 0x12345678, Instructions{
			LoadImm(R0, 0x1234567800000000, DWord), RSh.Imm(R0, 32),
		}},
		{"signed division", uapi.KernelVersion{Major: 6, Minor: 6}, 7, Instructions{
			Mov.Imm(R0, -21), Mov.Imm(R1, -3), SDiv.Reg(R0, R1),
		}},
		{"signed remainder", uapi.KernelVersion{Major: 6, Minor: 6}, 0xffffffff, Instructions{
			Mov.Imm32(R0, -22), SMod.Imm32(R0, 3),
		}},
		{"sign extending moves", uapi.KernelVersion{Major: 6, Minor: 6}, 0xffff8180, Instructions{
			Mov.Imm(R1, 0x80), MovSX8.Reg(R0, R1), Mov.Imm(R2, 0x8200), MovSX16.Reg32(R2, R2), Add.Reg(R0, R2), And.Imm(R0, -1), Add.Imm(R0, 0),
		}},
		{"byte swaps", uapi.KernelVersion{Major: 6, Minor: 6}, 0x12345678, Instructions{
			Mov.Imm(R0, 0x78563412), BSwap(R0, Word),
		}},
		{"conversion there and back", uapi.KernelVersion{Major: 4, Minor: 9}, 0x1234, Instructions{
			Mov.Imm(R0, 0x1234), HostTo(BE, R0, Half), HostTo(BE, R0, Half), HostTo(LE, R0, DWord), HostTo(LE, R0, DWord),
		}},
		{"packet", uapi.KernelVersion{Major: 4, Minor: 9}, 'e', Instructions{
			Mov.Reg(R6, R1), Mov.Imm(R7, 10), LoadInd(R0, R7, 4, Byte),
		}},
		{"sign extending load", uapi.KernelVersion{Major: 6, Minor: 6}, 0xfffffffe, Instructions{
			Mov.Imm(R1, 0xfe), StoreMem(RFP, stack, R1, Byte), LoadMemSX(R0, RFP, stack, Byte),
		}},
		{"atomic add", uapi.KernelVersion{Major: 4, Minor: 9}, 42, Instructions{
			storeStack(40), Mov.Imm(R1, 2), AddAtomic.Mem(RFP, R1, DWord, stack), loadStack(DWord),
		}},
		{"fetch and or", uapi.KernelVersion{Major: 5, Minor: 12}, 0x31, Instructions{
			storeStack(0x10), Mov.Imm(R1, 0x01), FetchOr.Mem(RFP, R1, DWord, stack), loadStack(DWord), Mul.Imm(R1, 2), Add.Reg(R0, R1),
		}},
		{"exchange", uapi.KernelVersion{Major: 5, Minor: 12}, 7, Instructions{
			StoreImm(RFP, stack, 7, Word), Mov.Imm(R1, 9), Xchg.Mem(RFP, R1, Word, stack), Mov.Reg(R0, R1),
		}},
		{"compare and exchange", uapi.KernelVersion{Major: 5, Minor: 12}, 9, Instructions{
			storeStack(7), Mov.Imm(R1, 9), Mov.Imm(R0, 7), CmpXchg.Mem(RFP, R1, DWord, stack), loadStack(DWord),
		}},
		{"load acquire, store release", uapi.KernelVersion{Major: 6, Minor: 15}, 11, Instructions{
			Mov.Imm(R1, 11), StoreRelease(RFP, R1, DWord, stack), LoadAcquire(R0, RFP, DWord, stack),
		}},
		{"jumps", uapi.KernelVersion{Major: 5, Minor: 1}, 3, Instructions{
			Mov.Imm(R0, 1), JSLT.Imm(R0, -1, "bad"), JGT.Imm32(R0, 0, "good"),
			Mov.Imm(R0, 99).WithSymbol("bad"), Ja.Label("end"),
			Add.Imm(R0, 2).WithSymbol("good"),
			JNE.Reg(R0, R0, "bad"), JSet.Imm(R0, 4, "bad"), Mov.Reg(R0, R0).WithSymbol("end"),
		}},
		{"long jump", uapi.KernelVersion{Major: 6, Minor: 6}, 1, Instructions{
			JEq.Imm(R1, 0, "skipped"), Mov.Imm(R0, 1), LongJump("end"), Mov.Imm(R0, 2).WithSymbol("skipped"), Mov.Reg(R0, R0).WithSymbol("end"),
		}},
		{"may_goto", uapi.KernelVersion{Major: 6, Minor: 9}, 5, Instructions{
			Mov.Imm(R0, 5), JCOND.Label("end").WithSymbol("loop"), JEq.Imm(R0, 6, "end"), Ja.Label("loop"), Mov.Reg(R0, R0).WithSymbol("end"),
		}},
		{"call of a function", uapi.KernelVersion{Major: 4, Minor: 16}, 42, Instructions{
			Mov.Imm(R1, 41), Call.Label("next"), Ja.Label("end"),
			Return().WithSymbol("end"),
			Mov.Reg(R0, R1).WithSymbol("next"), Add.Imm(R0, 1),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			needsKernel(t, test.name, test.since.Major, test.since.Minor)
			if got := run(t, append(test.insns, Return())); got != test.want {
				t.Errorf("got %d (%#x), want %d", got, got, test.want)
			}
		})
	}
}

// Loads from maps are of the maps' addresses.
func TestKernelMaps(t *testing.T) {
	testutil.Needs(t, testutil.BPF, testutil.TestRun, testutil.GlobalData)
	fd, err := kernel.MapCreate(&kernel.MapCreateAttr{MapType: 2, KeySize: 4, ValueSize: 16, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	insns := Instructions{
		LoadMapValue(R6, 0, 8).WithReference("counts"),
		StoreImm(R6, 0, 21, DWord),
		StoreImm(RFP, -4, 0, Word), Mov.Reg(R2, RFP), Add.Imm(R2, -4),
		LoadMapPtr(R1, 0).WithReference("counts"),
		FnMapLookupElem.Call(),
		JEq.Imm(R0, 0, "end"),
		LoadMem(R0, R0, 8, DWord),
		Return().WithSymbol("end"),
	}
	if err := insns.AssociateMap("counts", &fakeMap{"counts", fd.Int()}); err != nil {
		t.Fatal(err)
	}
	if got := run(t, insns); got != 21 {
		t.Errorf("got %d, want 21", got)
	}
	expectTag(t, load(t, insns, kernel.ProgLoadAttr{}), insns)
}

// Maps can also be given by their place in an array of descriptors.
func TestKernelMapIndex(t *testing.T) {
	testutil.Needs(t, testutil.BPF, testutil.TestRun)
	needsKernel(t, "fd_array", 5, 14)
	fd, err := kernel.MapCreate(&kernel.MapCreateAttr{MapType: 2, KeySize: 4, ValueSize: 16, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	prog := load(t, Instructions{
		{OpCode: LoadImmOp(DWord), Dst: R1, Src: PseudoMapIdx, Constant: 1},
		{OpCode: LoadImmOp(DWord), Dst: R6, Src: PseudoMapIdxValue, Constant: 8<<32 | 1},
		StoreImm(R6, 0, 21, DWord),
		LoadMem(R0, R6, 0, DWord),
		Return(),
	}, kernel.ProgLoadAttr{FDArray: kernel.Slice([]int32{-1, int32(fd.Int())})})
	if got := testRun(t, prog); got != 21 {
		t.Errorf("got %d, want 21", got)
	}
}

// kernelTypeID returns the BTF ID of a function or variable of the kernel.
func kernelTypeID(t *testing.T, name string) uint32 {
	t.Helper()
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	refs, err := spec.RefsByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(refs[0].ID())
}

// Functions of the kernel are called by BTF ID.
func TestKernelKfunc(t *testing.T) {
	testutil.Needs(t, testutil.Kfuncs, testutil.TestRun)
	needsKernel(t, "bpf_cast_to_kern_ctx", 6, 2)
	if got := run(t, Instructions{
		{OpCode: Call.Op(ImmSource), Src: PseudoKfuncCall, Constant: int64(kernelTypeID(t, "bpf_cast_to_kern_ctx"))},
		Mov.Imm(R0, 1),
		Return(),
	}); got != 1 {
		t.Errorf("got %d, want 1", got)
	}
}

// Variables of the kernel are loaded by BTF ID.
func TestKernelVariable(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF, testutil.TestRun)
	testutil.NeedsLinux(t, "variables in the kernel's BTF", 5, 11)
	const name = "bpf_prog_active"
	if syms, err := os.ReadFile("/proc/kallsyms"); err != nil || !strings.Contains(string(syms), " "+name+"\n") {
		t.Skipf("needs a kernel with CONFIG_KALLSYMS_ALL: %s isn't in /proc/kallsyms", name)
	}
	variable := LoadImm(R1, 0, DWord)
	if err := variable.AssociateBTFID(kernelTypeID(t, name), 0); err != nil {
		t.Fatal(err)
	}
	if got := run(t, Instructions{variable, FnThisCpuPtr.Call(), LoadMem(R0, R0, 0, Word), Return()}); got != 0 {
		t.Errorf("got %d, want 0", got)
	}
}

// Pointers into an arena are converted by an instruction of their own.
func TestKernelArena(t *testing.T) {
	testutil.Needs(t, testutil.Arena, testutil.BTF)
	const mapTypeArena, mmapable, userAddress = 33, 1 << 10, 1 << 44
	fd, err := kernel.MapCreate(&kernel.MapCreateAttr{MapType: mapTypeArena, MaxEntries: 1, MapFlags: mmapable, MapExtra: userAddress})
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	load(t, Instructions{
		LoadMapPtr(R1, fd.Int()),
		Mov.Imm(R1, 16),
		CastAddrSpace(R1, R1, 0, 1),
		StoreImm(R1, 0, 1, DWord),
		CastAddrSpace(R1, R1, 1, 0),
		Mov.Imm(R0, 0),
		Return(),
	}, kernel.ProgLoadAttr{})
}

// The tag is the one that the running kernel computes.
func TestKernelTag(t *testing.T) {
	testutil.Needs(t, testutil.BPF, testutil.BPFToBPFCalls)
	insns := Instructions{Call.Label("f"), Return(), LoadImm(R0, 1, DWord).WithSymbol("f"), Return()}
	expectTag(t, load(t, insns, kernel.ProgLoadAttr{}), insns)
}

func expectTag(t *testing.T, fd *kernel.FD, insns Instructions) {
	t.Helper()
	var info kernel.ProgInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		t.Fatal(err)
	}
	tag := hex.EncodeToString(info.Tag[:])
	if ok, err := insns.HasTag(tag, binary.NativeEndian); !ok || err != nil {
		t.Errorf("not the kernel's tag %s, error %v", tag, err)
	}
	if ok, _ := append(insns, Return()).HasTag(tag, binary.NativeEndian); ok {
		t.Error("another program has the same tag")
	}
}

// The kernel takes func and line infos. It insists on the former for callbacks.
func TestKernelExtInfos(t *testing.T) {
	testutil.Needs(t, testutil.BTF, testutil.BPFToBPFCalls, testutil.Callbacks)
	needsKernel(t, "bpf_loop", 5, 17)
	insns, spec := functions(t)
	builder := new(btf.Builder)
	funcs, lines, err := MarshalExtInfos(insns, builder, binary.NativeEndian)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := builder.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	types, err := kernel.BTFLoad(&kernel.BTFLoadAttr{BTF: kernel.Bytes(blob), BTFSize: uint32(len(blob))})
	if err != nil {
		t.Fatalf("load BTF: %v\n%v", err, spec)
	}
	defer types.Close()

	fd := load(t, insns, kernel.ProgLoadAttr{
		ProgBTFFD: uint32(types.Int()),
		FuncInfo:  kernel.Bytes(funcs), FuncInfoRecSize: 8, FuncInfoCnt: uint32(len(funcs) / 8),
		LineInfo: kernel.Bytes(lines), LineInfoRecSize: 16, LineInfoCnt: uint32(len(lines) / 16),
	})
	var info kernel.ProgInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(info.NrFuncInfo, info.NrLineInfo); got != "2 3" {
		t.Errorf("the kernel has %s func and line infos, want 2 3", got)
	}
}
