package ebpf

import (
	"encoding/binary"
	"fmt"
	"syscall"

	"github.com/bpfgen/bpfgen/internal/chain"
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// Sizes of the records that asm.MarshalExtInfos makes.
const (
	funcInfoSize = 8
	lineInfoSize = 16
)

// loadProgram has the kernel verify a program.
func loadProgram(spec *ProgramSpec, c code, types *typeInfo, maps map[string]*Map, opts *ProgramOptions) (*Program, error) {
	tables, err := makeTables(&c, types.token)
	defer closeTables(tables)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec.label(), err)
	}
	bytecode, err := c.insns.EncodeWith(nil, binary.NativeEndian, func(name string) (int, bool) {
		m := maps[name]
		if m == nil {
			return 0, false
		}
		return m.FD(), true
	})
	if err != nil {
		return nil, spec.fail(err)
	}
	attr := kernel.ProgLoadAttr{
		ProgType: uint32(spec.Type), ExpectedAttachType: uint32(spec.AttachType),
		Insns: kernel.Bytes(bytecode), InsnCnt: uint32(len(bytecode) / asm.InstructionSize),
		License: kernel.CString(spec.License), KernVersion: spec.KernelVersion,
		ProgFlags: spec.Flags, ProgName: kernel.NewObjName(spec.Name), ProgIfindex: spec.Ifindex,
	}
	c.addTypes(&attr, types)
	types.token.addToProgram(&attr)
	attr.FDArray = kernel.Slice(types.modules.array())
	release, err := c.target.add(&attr)
	if err != nil {
		return nil, spec.fail(err)
	}
	defer release()
	fd, log, err := verify(&attr, opts)
	if err != nil {
		return nil, spec.fail(types.explain(explainProgram(spec, c.insns, err, types.token)))
	}
	p := &Program{
		VerifierLog: kernel.GoString(log), name: spec.Name, fd: fd, typ: spec.Type,
		declared: declared{section: spec.SectionName, attachType: spec.AttachType, attachTo: spec.AttachTo},
	}
	if err := p.keepUSDTSpecs(maps); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// addTypes adds the BTF of functions and lines, if the kernel has taken it.
func (c *code) addTypes(attr *kernel.ProgLoadAttr, types *typeInfo) {
	if types.fd == nil {
		return
	}
	attr.ProgBTFFD = uint32(types.fd.Int())
	if len(c.funcInfo) == 0 {
		return
	}
	attr.FuncInfo, attr.FuncInfoRecSize, attr.FuncInfoCnt = kernel.Bytes(c.funcInfo), funcInfoSize, uint32(len(c.funcInfo)/funcInfoSize)
	attr.LineInfo, attr.LineInfoRecSize, attr.LineInfoCnt = kernel.Bytes(c.lineInfo), lineInfoSize, uint32(len(c.lineInfo)/lineInfoSize)
}

// add says in attr what to attach to. Descriptors in attr are open until release.
func (t *attachTarget) add(attr *kernel.ProgLoadAttr) (release func(), err error) {
	attr.AttachBTFID = uint32(t.id)
	if t.isMember {
		attr.ExpectedAttachType = t.member
	}
	switch {
	case t.prog != nil:
		raw, err := t.prog.Acquire()
		if err != nil {
			return nil, fmt.Errorf("program to attach to: %w", err)
		}
		attr.AttachFD = uint32(raw)
		return t.prog.Release, nil
	case t.module != "":
		fd, err := moduleTypes(t.module)
		if err != nil {
			return nil, err
		}
		attr.AttachFD = uint32(fd.Int())
		return func() { _ = fd.Close() }, nil
	}
	return func() {}, nil
}

// verify loads a program: without a log if nobody asked for one, because the
// verifier is slower with it. A rejected program is verified again for the log.
func verify(attr *kernel.ProgLoadAttr, opts *ProgramOptions) (*kernel.FD, []byte, error) {
	attempt := verifyLogged
	if opts.LogLevel == 0 || opts.LogDisabled {
		attempt = verifyQuietly
	}
	fd, log, err := attempt(attr, opts)
	if err != nil && concede(attr, kernel.Errno(err), kernel.AtLeast) {
		if fd, log, again := attempt(attr, opts); again == nil {
			return fd, log, nil
		}
	}
	if err == nil || opts.LogLevel != 0 || opts.LogDisabled || !isVerdict(err) {
		return fd, log, err
	}
	return verifyLogged(attr, opts)
}

func verifyQuietly(attr *kernel.ProgLoadAttr, _ *ProgramOptions) (*kernel.FD, []byte, error) {
	fd, err := kernel.ProgLoad(attr)
	return fd, nil, err
}

// verifyLogged makes a VerifierError of the log, if there is one.
func verifyLogged(attr *kernel.ProgLoadAttr, opts *ProgramOptions) (*kernel.FD, []byte, error) {
	fd, log, err := withLog(opts.LogLevel, func(level uint32, log []byte) (*kernel.FD, uint32, error) {
		attr.LogLevel, attr.LogBuf, attr.LogSize = level, kernel.Bytes(log), uint32(len(log))
		fd, err := kernel.ProgLoad(attr)
		return fd, attr.LogTrueSize, err
	}, opts.LogSizeStart)
	if err == nil {
		return fd, log.text, nil
	}
	if ve := newVerifierError(err, log.text, log.truncated); len(ve.Log) > 0 {
		return nil, nil, ve
	}
	return nil, nil, err
}

// isVerdict tells whether an error can come from the verifier, so that there is
// a log to ask for.
func isVerdict(err error) bool {
	switch kernel.Errno(err) {
	case syscall.EAGAIN, syscall.ENOMEM, syscall.EBADF, syscall.EMFILE, syscall.ENFILE:
		return false
	}
	return true
}

// progConcession is what a program can do without on a kernel that doesn't know
// it, or what an old kernel wants in addition.
type progConcession struct {
	since uapi.KernelVersion
	give  func(*kernel.ProgLoadAttr)
}

var progConcessions = []progConcession{
	{uapi.KernelVersion{Major: 5, Minor: 0}, withoutTypes},
	{uapi.KernelVersion{Major: 5, Minor: 0}, withKernelVersion},
	{uapi.KernelVersion{Major: 4, Minor: 17}, func(a *kernel.ProgLoadAttr) { a.ExpectedAttachType = 0 }},
	{uapi.KernelVersion{Major: 4, Minor: 15}, func(a *kernel.ProgLoadAttr) { a.ProgName = kernel.ObjName{} }},
}

func withoutTypes(attr *kernel.ProgLoadAttr) {
	attr.ProgBTFFD = 0
	attr.FuncInfo, attr.FuncInfoRecSize, attr.FuncInfoCnt = kernel.Pointer{}, 0, 0
	attr.LineInfo, attr.LineInfoRecSize, attr.LineInfoCnt = kernel.Pointer{}, 0, 0
}

// anyKernelVersion is what objects have in their section "version" if they mean
// the running kernel's.
const anyKernelVersion = 0xfffffffe

func withKernelVersion(attr *kernel.ProgLoadAttr) {
	if ProgramType(attr.ProgType) != Kprobe || attr.KernVersion != 0 && attr.KernVersion != anyKernelVersion {
		return
	}
	if version, err := kernel.VersionCode(); err == nil {
		attr.KernVersion = version
	}
}

// concede changes what an old kernel may have stumbled over, and tells whether
// there was anything.
func concede(attr *kernel.ProgLoadAttr, errno syscall.Errno, atLeast func(uapi.KernelVersion) bool) bool {
	if errno != syscall.EINVAL && errno != syscall.E2BIG {
		return false
	}
	before := *attr
	for _, c := range progConcessions {
		if !atLeast(c.since) {
			c.give(attr)
		}
	}
	return *attr != before
}

// explainProgram says why a program can't be loaded, and what can be done.
func explainProgram(spec *ProgramSpec, insns asm.Instructions, err error, t *token) error {
	if ve, ok := chain.As[*VerifierError](err); ok {
		ve.explain(spec, insns)
		return err
	}
	return explainRefusal(spec, err, t)
}

// explainRefusal is for programs that the kernel didn't even look at.
func explainRefusal(spec *ProgramSpec, err error, t *token) error {
	typ, attach := uapi.ProgType(spec.Type), uapi.AttachType(spec.AttachType)
	switch kernel.Errno(err) {
	case syscall.EPERM:
		return t.explainPermission(err, programDelegation(spec.Type, spec.AttachType), capabilities(spec.Type)...)
	case syscall.EINVAL, syscall.E2BIG:
		if !kernel.AtLeast(typ.MinKernel()) {
			return fmt.Errorf("%w: %w: programs of type %s need Linux %s", err, ErrNotSupported, spec.Type, typ.MinKernel())
		}
		if spec.AttachType != AttachNone && !kernel.AtLeast(attach.MinKernel()) {
			return fmt.Errorf("%w: %w: attach type %s needs Linux %s", err, ErrNotSupported, spec.AttachType, attach.MinKernel())
		}
	case kernel.ENOTSUPP:
		return fmt.Errorf("%w: %w", err, ErrNotSupported)
	}
	return err
}

// capabilities are what loading programs of a type asks for.
func capabilities(t ProgramType) []kernel.Capability {
	switch t {
	case Kprobe, TracePoint, PerfEvent, RawTracepoint, RawTracepointWritable, Tracing, LSM, StructOps, Extension:
		return []kernel.Capability{kernel.CapBPF, kernel.CapPerfmon}
	case SocketFilter, Syscall:
		return []kernel.Capability{kernel.CapBPF}
	}
	return []kernel.Capability{kernel.CapBPF, kernel.CapNetAdmin}
}

// Compatible tells whether a loaded program is what spec describes, by the hash
// of its instructions: nil, or an error that wraps ErrProgIncompatible.
func (ps *ProgramSpec) Compatible(info *ProgramInfo) error {
	ps, err := ps.decoded()
	if err != nil {
		return err
	}
	same, err := ps.Instructions.HasTag(info.Tag, binary.NativeEndian)
	if err != nil {
		return err
	}
	if !same {
		return fmt.Errorf("%w: the tag of its instructions is not %s", ErrProgIncompatible, info.Tag)
	}
	return nil
}
