package testutil

import (
	"context"
	"regexp"
	"strings"
	"sync"
)

// Output is what something under test prints while it runs. Any number of
// goroutines may use one.
type Output struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed by the next Write, if anybody waits
}

// Write appends, and wakes up those who wait.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.more != nil {
		close(o.more)
		o.more = nil
	}
	return o.text.Write(p)
}

// String is all that was printed so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Await waits until the text matches a regular expression, or ctx is done. It
// tells whether it does match.
func (o *Output) Await(ctx context.Context, pattern string) bool {
	want := regexp.MustCompile(pattern)
	for {
		o.mu.Lock()
		found := want.MatchString(o.text.String())
		if o.more == nil {
			o.more = make(chan struct{})
		}
		more := o.more
		o.mu.Unlock()
		if found {
			return true
		}
		select {
		case <-more:
		case <-ctx.Done():
			return false
		}
	}
}
