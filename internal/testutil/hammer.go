package testutil

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Hammered is an object that is closed while others use it.
type Hammered struct {
	Close func() error
	// Ops use the object, each in a goroutine of its own, again and again until
	// one says os.ErrClosed.
	Ops map[string]func() error
	// Fine are other errors that may come, before and after Close.
	Fine []error
}

// Hammer fails the test if users of an object that is closed get anything but
// os.ErrClosed: EBADF, say, or EINVAL because the number of its descriptor has
// gone to another file, of which there are some all the time.
func Hammer(t testing.TB, rounds int, start func() Hammered) {
	t.Helper()
	var stop atomic.Bool
	var others sync.WaitGroup
	defer others.Wait()
	defer stop.Store(true)
	for range 2 {
		others.Go(func() {
			for !stop.Load() {
				if f, err := os.Open(os.DevNull); err == nil {
					f.Close()
				}
			}
		})
	}
	for range rounds {
		start().hammer(t)
	}
}

func (h Hammered) hammer(t testing.TB) {
	t.Helper()
	var closed atomic.Bool
	var users sync.WaitGroup
	for name, op := range h.Ops {
		users.Go(func() {
			for {
				late := closed.Load()
				switch err := op(); {
				case errors.Is(err, os.ErrClosed):
					return
				case err != nil && !h.fine(err):
					t.Errorf("%s: %v", name, err)
					return
				case late:
					t.Errorf("%s after Close: %v", name, err)
					return
				}
			}
		})
	}
	time.Sleep(200 * time.Microsecond)
	if err := h.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	closed.Store(true)
	users.Wait()
}

func (h Hammered) fine(err error) bool {
	for _, target := range h.Fine {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
