package ebpf

import (
	"fmt"
	"io"
	"syscall"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// Streams of a program, as enum bpf_stream_id.
const (
	stdout = 1
	stderr = 2
)

// Stdout reads what the program has printed with bpf_stream_printk(BPF_STDOUT,
// …), once: the kernel forgets what was read. Read gives io.EOF when there is
// nothing left, and may give more when the program has run again. The kernel
// keeps up to 100,000 bytes for each program; it needs 6.17.
func (p *Program) Stdout() io.Reader { return &stream{p, stdout, "standard output"} }

// Stderr is Stdout for BPF_STDERR, where the kernel also says what went wrong
// while the program ran: an endless loop, a fault in an arena.
func (p *Program) Stderr() io.Reader { return &stream{p, stderr, "standard error"} }

type stream struct {
	p    *Program
	id   uint32
	name string
}

// Read implements io.Reader.
func (s *stream) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, err := kernel.ProgStreamRead(s.p.fd, s.id, b)
	if err != nil {
		return 0, fmt.Errorf("read %s of program %q: %w", s.name, s.p.name, explainStream(err))
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// explainStream tells kernels that have no streams.
func explainStream(err error) error {
	if kernel.Errno(err) == syscall.EINVAL && !kernel.AtLeast(uapi.KernelVersion{Major: 6, Minor: 17}) {
		return fmt.Errorf("%w: %w: it needs Linux 6.17", err, ErrNotSupported)
	}
	return err
}
