package link

import (
	"errors"
	"fmt"
	"os"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// AttachFreplace lets prog, of type Extension, run instead of a global function
// of another program, SEC("freplace/…"). That function was chosen when prog was
// loaded: then targetProg is nil and name empty (Linux 5.6). Or it is chosen
// here, among functions with the same arguments, so that one Extension can
// replace several (Linux 5.10).
func AttachFreplace(targetProg *ebpf.Program, name string, prog *ebpf.Program) (Link, error) {
	if prog == nil || prog.Type() != ebpf.Extension {
		return nil, fmt.Errorf("attach freplace program: %v isn't one: %w", prog, os.ErrInvalid)
	}
	if (targetProg == nil) != (name == "") {
		return nil, fmt.Errorf("attach %v: need both a program and the name of its function, or neither: %w", prog, os.ErrInvalid)
	}
	if targetProg == nil {
		l, err := openRawTracepoint(prog, "", 0, uapi.KernelVersion{Major: 5, Minor: 6})
		if err != nil {
			return nil, fmt.Errorf("attach freplace program %v: %w", prog, err)
		}
		return l, nil
	}
	l, err := attachToFunction(targetProg, name, prog)
	if err != nil {
		return nil, fmt.Errorf("attach %v instead of %s in %v: %w", prog, name, targetProg, err)
	}
	return l, nil
}

func attachToFunction(targetProg *ebpf.Program, name string, prog *ebpf.Program) (*RawLink, error) {
	id, err := functionID(targetProg, name)
	if err != nil {
		return nil, err
	}
	target, err := borrow(targetProg)
	if err != nil {
		return nil, err
	}
	defer target.Close()
	return attach(prog, uapi.KernelVersion{Major: 5, Minor: 10}, kernel.LinkCreateAttr[kernel.LinkTracing]{
		TargetFD: uint32(target.Int()), AttachType: uint32(ebpf.AttachNone), // nobody else closes it
		Extra: kernel.LinkTracing{TargetBTFID: uint32(id)},
	}, kernel.CapBPF, kernel.CapPerfmon)
}

// functionID finds a function in the types that came with a program.
func functionID(prog *ebpf.Program, name string) (btf.TypeID, error) {
	handle, err := prog.Handle()
	if err != nil {
		return 0, err
	}
	defer handle.Close()
	spec, err := handle.Spec(nil)
	if err != nil {
		return 0, err
	}
	var function *btf.Func
	if err := spec.TypeByName(name, &function); err != nil {
		if errors.Is(err, btf.ErrNotFound) {
			err = fmt.Errorf("no function of that name: %w", err)
		}
		return 0, err
	}
	return spec.TypeID(function)
}
