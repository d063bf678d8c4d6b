package perf

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// watchID is what the poller reports when a CPU has come online.
const watchID = 1 << 30

// watch begins to take note of CPUs that come online. Where the kernel doesn't
// tell, those of now have to do.
func (r *Reader) watch() error {
	watch, err := kernel.WatchCPUs()
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	r.cpus = watch
	return r.poller.Add(watch.FD, watchID)
}

// hotplug gives rings to the CPUs that have come online. It is for who holds
// r.reading.
func (r *Reader) hotplug() error {
	for {
		cpu, err := r.cpus.Next()
		if err != nil {
			return fmt.Errorf("CPUs that come online: %w", err)
		}
		if cpu < 0 {
			return nil
		}
		if err := r.online(cpu); err != nil {
			return fmt.Errorf("CPU %d comes online: %w", cpu, err)
		}
	}
}

// online makes a ring for a CPU. If that has had one before, the kernel writes
// no more to it, and what is in it comes first.
func (r *Reader) online(cpu int) error {
	r.control.Lock()
	defer r.control.Unlock()
	if r.array == nil {
		return ErrClosed
	}
	if uint64(cpu) >= uint64(r.array.MaxEntries()) {
		return nil // the program can't send from there
	}
	ring, err := openRing(cpu, r.size, r.opts)
	if errors.Is(err, unix.ENODEV) {
		return nil // gone offline since
	}
	if err != nil {
		return err
	}
	i := r.add(ring)
	if err := r.poller.Add(ring.event, i); err != nil {
		return err
	}
	if r.attached {
		return r.attach(ring)
	}
	return nil
}

// add puts a ring among the others, and returns its number.
func (r *Reader) add(ring *ring) int {
	for i, old := range r.rings {
		if old.cpu == ring.cpu {
			r.rings[i] = ring
			r.retired = append(r.retired, old)
			return i
		}
	}
	r.every = append(r.every, len(r.rings))
	r.rings = append(r.rings, ring)
	return len(r.rings) - 1
}

// retire takes a ring that gets no more samples, nil if there is none. The one
// before has been read.
func (r *Reader) retire() (*ring, error) {
	var err error
	if r.retiring != nil {
		err = r.retiring.close()
		r.retiring = nil
	}
	if len(r.retired) > 0 {
		r.retiring, r.retired = r.retired[0], r.retired[1:]
		r.retiring.look()
	}
	return r.retiring, err
}
