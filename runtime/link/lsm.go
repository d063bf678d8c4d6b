package link

import (
	"fmt"
	"os"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// LSMOptions say what AttachLSM attaches.
type LSMOptions struct {
	// Program must be of type LSM, with attach type AttachLSMMac. What it
	// attaches to was decided when it was loaded.
	Program *ebpf.Program
	// Cookie is what bpf_get_attach_cookie returns in the program. Linux 5.19.
	Cookie uint64
}

// AttachLSM attaches a program to the hook of Linux security modules that it was
// loaded for, SEC("lsm/…"). It runs only if the kernel was booted with "bpf"
// among its security modules (see /sys/kernel/security/lsm); no error tells. For
// SEC("lsm_cgroup/…") there is AttachCgroup. Linux 5.7.
func AttachLSM(opts LSMOptions) (Link, error) {
	if opts.Program == nil || opts.Program.Type() != ebpf.LSM {
		return nil, fmt.Errorf("attach LSM program: %v isn't one: %w", opts.Program, os.ErrInvalid)
	}
	l, err := opts.attach()
	if err != nil {
		return nil, fmt.Errorf("attach LSM program %v: %w", opts.Program, err)
	}
	return l, nil
}

func (opts *LSMOptions) attach() (*RawLink, error) {
	if opts.Cookie == 0 {
		return openRawTracepoint(opts.Program, "", 0, bpfLink)
	}
	return attach(opts.Program, uapi.KernelVersion{Major: 5, Minor: 19}, kernel.LinkCreateAttr[kernel.LinkTracing]{
		AttachType: uint32(ebpf.AttachLSMMac),
		Extra:      kernel.LinkTracing{Cookie: opts.Cookie},
	}, kernel.CapBPF, kernel.CapPerfmon)
}
