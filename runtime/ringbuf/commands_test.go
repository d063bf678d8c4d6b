package ringbuf

import (
	"errors"
	"testing"

	ebpf "github.com/bpfgen/bpfgen/runtime"
)

func TestCommands(t *testing.T) {
	e := newEcho(t)
	e.w.Close()
	commands, err := ebpf.View[Commands[number]](e.In)
	if err != nil {
		t.Fatal(err)
	}
	s, err := commands.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := errors.Join(s.Send(number{1}), s.SendWait(number{2})); err != nil {
		t.Fatal(err)
	}
	e.expect(t, 1, 2)
	sent := 0
	for ; err == nil; sent++ {
		err = s.Send(number{})
	}
	if !errors.Is(err, ErrFull) || sent != s.Size()/16+1 {
		t.Errorf("after %d samples: %v", sent, err)
	}
	s.Close()
	if err := s.Send(number{}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := ebpf.View[Commands[number]](e.Out); err == nil {
		t.Error("a ring buffer for events takes commands")
	}
	if _, err := ebpf.View[Commands[[]byte]](e.In); !errors.Is(err, ebpf.ErrInvalidType) {
		t.Errorf("type without size: %v", err)
	}
}
