package ebpf

import (
	"errors"
	"io"
	"syscall"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

func TestStreams(t *testing.T) {
	testutil.Needs(t, testutil.ProgStreams)
	p := collection(t, "streams").Programs["greet"]
	expect := func(when string, wantOut, wantErr string) {
		t.Helper()
		for _, c := range []struct {
			r    io.Reader
			want string
		}{{p.Stdout(), wantOut}, {p.Stderr(), wantErr}} {
			if text, err := io.ReadAll(c.r); err != nil || string(text) != c.want {
				t.Errorf("%s: got %q, %v, want %q", when, text, err, c.want)
			}
		}
	}
	expect("before a run", "", "")
	for range 2 {
		ret, err := p.Run(nil)
		if err == nil && int32(ret) == -int32(syscall.ENOMEM) {
			t.Skip("needs output of programs: this kernel never has memory for it")
		}
		if ret != 0 || err != nil {
			t.Fatal(int32(ret), err)
		}
	}
	var start [5]byte
	if _, err := io.ReadFull(p.Stdout(), start[:]); err != nil || string(start[:]) != "hello" {
		t.Errorf("first bytes: %q, %v, want hello", start, err)
	}
	expect("after two runs", " 42\nhello 42\n", "oh no 42\noh no 42\n")
	expect("when all is read", "", "")

	stdout := p.Stdout()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(start[:]); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v, want ErrClosed", err)
	}
}
