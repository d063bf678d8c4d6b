package ringbuf

import (
	"encoding/binary"
	"strings"
	"sync/atomic"
	"testing"
)

// fakeRing is a ring in plain memory, and the kernel's part of the work.
type fakeRing struct {
	*ring
	consumed, produced atomic.Uintptr
}

func newFakeRing(size int, start uintptr) *fakeRing {
	f := &fakeRing{}
	f.consumed.Store(start)
	f.produced.Store(start)
	f.ring = newRing(&f.consumed, &f.produced, make([]byte, 2*size))
	return f
}

// put writes at a position, in both of the images that the kernel maps.
func (f *fakeRing) put(pos uintptr, b []byte) {
	size := uintptr(f.size())
	for i := range b {
		at := (pos + uintptr(i)) % size
		f.data[at], f.data[at+size] = b[i], b[i]
	}
}

// produce appends a sample with flags in its header, and returns its position.
func (f *fakeRing) produce(sample string, flags uint32) uintptr {
	pos := f.produced.Load()
	f.header(pos, uint32(len(sample))|flags)
	f.put(pos+headerSize, []byte(sample))
	f.produced.Store(pos + (headerSize+uintptr(len(sample))+7)&^7)
	return pos
}

func (f *fakeRing) header(pos uintptr, word uint32) {
	f.put(pos, binary.NativeEndian.AppendUint32(nil, word))
}

func (f *fakeRing) expect(t *testing.T, want string) {
	t.Helper()
	sample, ok, err := f.next()
	if !ok || err != nil || string(sample) != want {
		t.Fatalf("got %q, %v, %v, want %q", sample, ok, err, want)
	}
	if cap(sample) != len(sample) {
		t.Errorf("sample %q can be appended to", sample)
	}
}

func (f *fakeRing) expectNothing(t *testing.T) {
	t.Helper()
	if sample, ok, err := f.next(); ok || err != nil {
		t.Fatalf("got %q, %v, %v, want nothing", sample, ok, err)
	}
}

func TestRingReturnsSamplesInOrder(t *testing.T) {
	f := newFakeRing(64, 0)
	f.expectNothing(t)
	f.produce("one", 0)
	f.produce("", 0)
	f.produce("eleven long", 0)
	f.expect(t, "one")
	f.expect(t, "")
	if got := f.remaining(); got != 24 {
		t.Errorf("%d bytes remain, want 24", got)
	}
	f.expect(t, "eleven long")
	f.expectNothing(t)
}

func TestRingSkipsWhatIsDiscarded(t *testing.T) {
	f := newFakeRing(128, 0)
	f.produce("no", flagDiscard)
	f.produce("yes", 0)
	f.produce("no", flagDiscard)
	f.expect(t, "yes")
	f.expectNothing(t)
	f.publish()
	if f.available() != 0 {
		t.Errorf("%d bytes are still held", f.available())
	}
}

func TestRingStopsAtWhatIsBusy(t *testing.T) {
	f := newFakeRing(64, 0)
	f.produce("first", 0)
	pos := f.produce("later", flagBusy)
	f.produce("last", 0)
	f.expect(t, "first")
	f.expectNothing(t)
	f.expectNothing(t)
	f.header(pos, uint32(len("later")))
	f.expect(t, "later")
	f.expect(t, "last")
}

// Samples cross the end of the data, and positions the end of their type.
func TestRingWraps(t *testing.T) {
	for _, start := range []uintptr{0, 24, ^uintptr(0) - 63, ^uintptr(0) - 1023} {
		f := newFakeRing(64, start)
		for i := range 100 {
			sample := strings.Repeat(string(rune('a'+i%26)), i%40)
			f.produce(sample, 0)
			f.expect(t, sample)
			f.publish()
		}
	}
}

// A batch ends before what is busy, discarded or of another size, and crosses the end
// of the data.
func TestTakeBatch(t *testing.T) {
	for _, flags := range []uint32{flagBusy, flagDiscard, 2} {
		for _, start := range []uintptr{0, 4000, ^uintptr(0) - 99} {
			f := newFakeRing(4096, start&^7)
			if batch := takeBatch[[12]byte](f.ring); batch.Len() != 0 {
				t.Error("a batch of nothing:", batch.Len())
			}
			for i := range 10 {
				f.produce(string(rune('a'+i))+"2 bytes long", 0)
			}
			f.produce("not this one", flags)
			f.produce("nor that one", 0)
			batch := takeBatch[[13]byte](f.ring)
			for i := range batch.Len() {
				if got := batch.At(i)[0]; got != byte('a'+i) {
					t.Errorf("event %d begins with %c", i, got)
				}
			}
			if batch.Len() != 10 || f.remaining() != 48 {
				t.Errorf("batch of %d, %d bytes remain", batch.Len(), f.remaining())
			}
		}
	}
}

func TestRingPublishesOnRequest(t *testing.T) {
	f := newFakeRing(64, 0)
	if f.publish() {
		t.Error("published nothing as news")
	}
	f.produce("one", 0)
	f.produce("two", 0)
	f.expect(t, "one")
	f.expect(t, "two")
	if f.consumed.Load() != 0 {
		t.Error("published by reading")
	}
	if !f.publish() || f.consumed.Load() != 32 || f.publish() {
		t.Errorf("published %d", f.consumed.Load())
	}
}

func TestCorruptRing(t *testing.T) {
	f := newFakeRing(64, 0)
	f.produce("one", 0)
	f.header(0, 60)
	if _, ok, err := f.next(); ok || err == nil || !strings.Contains(err.Error(), "sample of 60 bytes in the last 16") {
		t.Errorf("got %v, %v", ok, err)
	}
}

func TestRingWithMoreThanItHolds(t *testing.T) {
	f := newFakeRing(64, 0)
	f.produced.Store(72)
	if _, ok, err := f.next(); ok || err == nil || !strings.Contains(err.Error(), "72 bytes in a ring of 64") {
		t.Errorf("got %v, %v", ok, err)
	}
}

func FuzzRing(f *testing.F) {
	f.Add([]byte{3, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c'}, uint16(16))
	f.Add([]byte{0xff, 0xff, 0xff, 0x3f}, uint16(64))
	f.Add([]byte{0, 0, 0, 0x40}, uint16(8))
	f.Add([]byte{0, 0, 0, 0x80}, uint16(8))
	f.Fuzz(func(t *testing.T, data []byte, produced uint16) {
		r := newFakeRing(64, 0)
		r.put(0, data[:min(len(data), 64)])
		r.produced.Store(uintptr(produced))
		for range 10 {
			if sample, ok, err := r.next(); !ok || err != nil || len(sample) > 64*1024 {
				break
			}
		}
		r = newFakeRing(256, 0)
		r.put(0, data[:min(len(data), 256)])
		r.produced.Store(uintptr(produced))
		sum := byte(0)
		for range 10 {
			batch := takeBatch[[3]byte](r.ring)
			for ev := range batch.All() {
				sum += ev[2]
			}
			if batch.Len() > 256/16 || r.end-r.pos > 256 {
				t.Errorf("a batch of %d, %d bytes remain", batch.Len(), r.end-r.pos)
			}
		}
	})
}
