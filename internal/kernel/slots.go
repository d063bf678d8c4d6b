package kernel

import (
	"fmt"
	"os"
	"sync"
)

// Slots are the elements of an array that several users share, each of which
// takes some as long as it needs them.
type Slots struct {
	mu   sync.Mutex
	used []bool
}

// NewSlots is an array of n free elements.
func NewSlots(n uint32) *Slots { return &Slots{used: make([]bool, n)} }

// Take is the first free element, which then is the caller's. It fails with
// os.ErrInvalid if there is none.
func (s *Slots) Take() (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, used := range s.used {
		if !used {
			s.used[i] = true
			return uint32(i), nil
		}
	}
	return 0, fmt.Errorf("all %d elements are in use: %w", len(s.used), os.ErrInvalid)
}

// Free gives elements back.
func (s *Slots) Free(taken ...uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range taken {
		s.used[i] = false
	}
}
