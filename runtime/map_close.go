package ebpf

import "sync"

// closeHooks are what is to run when a map is closed.
type closeHooks struct {
	mu     sync.Mutex
	closed bool
	hooks  map[*func()]struct{}
}

// AfterClose has f run once the map is closed, in a goroutine of its own; right
// now if it is closed already. It is for readers that have descriptors of their
// own, which Close doesn't reach.
//
// Calling stop makes f not run, unless it does already.
func (m *Map) AfterClose(f func()) (stop func()) {
	h := &m.hooks
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		go f()
		return func() {}
	}
	if h.hooks == nil {
		h.hooks = make(map[*func()]struct{})
	}
	h.hooks[&f] = struct{}{}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.hooks, &f)
	}
}

// run runs the hooks, once.
func (h *closeHooks) run() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for f := range h.hooks {
		go (*f)()
	}
	h.hooks = nil
}
