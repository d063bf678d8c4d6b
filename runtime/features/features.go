// Package features finds out what the running kernel's BPF can do, by trying.
//
// All probes answer with an error that means
//
//	nil                                    it is there
//	errors.Is(err, ebpf.ErrNotSupported)   it is not there
//	anything else                          nobody knows, and why: most often,
//	                                       this process may not use BPF
//
// Probes ask the kernel each time, with one or two system calls that leave
// nothing behind. Callers that ask often keep the answers, in a Cache, for as
// long as they like: they change with the capabilities of the process.
//
// Prefer probes to comparing versions: distributions add features to old kernels,
// and build new ones without.
package features

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	ebpf "github.com/bpfgen/bpfgen/runtime"
)

// LinuxVersionCode is the running kernel's version, as LINUX_VERSION_CODE and
// the macro KERNEL_VERSION of linux/version.h have it.
func LinuxVersionCode() (uint32, error) { return kernel.VersionCode() }

// notSupported is the kernel's way of saying that it doesn't know something.
func notSupported(feature string, err error) error {
	return fmt.Errorf("%s: %w (%w)", feature, ebpf.ErrNotSupported, err)
}

// conclude makes an answer of the kernel's refusal. EINVAL is how it treats what
// it doesn't know, E2BIG what older kernels say to newer fields. Errors listed
// as passed come from checks behind the one that matters.
func conclude(feature string, err error, passed ...unix.Errno) error {
	if err == nil {
		return nil
	}
	errno := kernel.Errno(err)
	for _, p := range passed {
		if errno == p {
			return nil
		}
	}
	switch errno {
	case unix.EINVAL, unix.E2BIG, unix.EOPNOTSUPP, kernel.ENOTSUPP:
		return notSupported(feature, err)
	}
	return fmt.Errorf("probe %s: %w", feature, kernel.ExplainPermission(err, kernel.CapBPF))
}
