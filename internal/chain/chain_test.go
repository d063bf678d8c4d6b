package chain

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
)

// seen can be seen as a *os.PathError.
type seen struct{ as bool }

func (s seen) Error() string { return "seen" }

func (s seen) As(target any) bool {
	if p, ok := target.(**os.PathError); ok && s.as {
		*p = &os.PathError{Op: "seen", Err: s}
	}
	return s.as
}

// tree is a random tree of errors, with nil among them.
func tree(random *rand.Rand, depth int) error {
	kind := random.IntN(10)
	if depth == 0 {
		kind %= 5
	}
	switch kind {
	case 0:
		return syscall.Errno(1 + random.IntN(3))
	case 1:
		return seen{random.IntN(2) == 0}
	case 2:
		return errors.New("leaf")
	case 3, 4:
		return nil
	case 5:
		return &os.PathError{Op: fmt.Sprint(random.IntN(100)), Err: tree(random, depth-1)}
	case 6:
		return fmt.Errorf("wrap: %w", tree(random, depth-1))
	case 7:
		return fmt.Errorf("wrap: %w, %w", tree(random, depth-1), tree(random, depth-1))
	}
	return errors.Join(tree(random, depth-1), tree(random, depth-1), tree(random, depth-1))
}

// What errors.As finds is found, and nothing else.
func TestAs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		err := tree(random, 4)
		compare[syscall.Errno](t, err)
		compare[*os.PathError](t, err)
		compare[seen](t, err)
		compare[interface {
			error
			Timeout() bool
		}](t, err)
	}
}

func compare[E error](t *testing.T, err error) {
	t.Helper()
	var want E
	wantOK := errors.As(err, &want)
	got, ok := As[E](err)
	if ok != wantOK || ok && fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) && any(got) != any(want) {
		t.Fatalf("in %v: got %#v, %t, want %#v, %t", err, got, ok, want, wantOK)
	}
}

func TestAsAllocatesNothing(t *testing.T) {
	err := fmt.Errorf("wrap: %w", &os.PathError{Err: syscall.ENOENT})
	if n := testing.AllocsPerRun(10, func() { _, _ = As[syscall.Errno](err) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
