package perf

import (
	"encoding/binary"
	"strings"
	"sync/atomic"
	"testing"
)

// fakeRing is a ring in plain memory, and the kernel's part of the work.
type fakeRing struct {
	*ring
	written, read atomic.Uint64
}

func newFakeRing(size int, start uint64) *fakeRing {
	f := &fakeRing{}
	f.written.Store(start)
	f.read.Store(start)
	f.ring = newRing(7, make([]byte, size), &f.written, &f.read)
	f.pos, f.end, f.published = start, start, start
	return f
}

func newFakeBackward(size int) *fakeRing {
	f := &fakeRing{}
	f.ring = newRing(7, make([]byte, size), &f.written, nil)
	return f
}

// record is one as the kernel writes it, padded to a multiple of eight bytes.
func record(kind uint32, body []byte) []byte {
	size := (headerSize + len(body) + 7) &^ 7
	b := binary.NativeEndian.AppendUint32(nil, kind)
	b = binary.NativeEndian.AppendUint16(b, 0)
	b = binary.NativeEndian.AppendUint16(b, uint16(size))
	b = append(b, body...)
	return append(b, make([]byte, size-len(b))...)
}

func sample(text string) []byte {
	return record(recordSample, append(binary.NativeEndian.AppendUint32(nil, uint32(len(text))), text...))
}

func lost(n uint64) []byte {
	return record(recordLost, binary.NativeEndian.AppendUint64(make([]byte, 8), n))
}

// produce writes a record, and lets it be known.
func (f *fakeRing) produce(rec []byte) {
	pos := f.written.Load()
	if f.overwritable() {
		pos -= uint64(len(rec))
	}
	for i, b := range rec {
		f.data[(pos+uint64(i))%uint64(len(f.data))] = b
	}
	if !f.overwritable() {
		pos += uint64(len(rec))
	}
	f.written.Store(pos)
}

func (f *fakeRing) expect(t *testing.T, want string) {
	t.Helper()
	var rec Record
	ok, err := f.ring.read(&rec)
	if !ok || err != nil || string(rec.RawSample) != want || rec.CPU != 7 || rec.LostSamples != 0 {
		t.Fatalf("got %+v, %v, %v, want %q", rec, ok, err, want)
	}
}

func (f *fakeRing) expectNothing(t *testing.T) {
	t.Helper()
	if ok, err := f.ring.read(new(Record)); ok || err != nil {
		t.Fatalf("got %v, %v, want nothing", ok, err)
	}
}

func TestRingReturnsRecordsInOrder(t *testing.T) {
	f := newFakeRing(128, 0)
	f.expectNothing(t)
	f.produce(sample("one"))
	f.produce(sample(""))
	f.produce(lost(3))
	f.produce(sample("thirteen long"))
	f.expectNothing(t) // not looked at yet
	f.look()
	f.expect(t, "one")
	f.expect(t, "")
	rec := Record{RawSample: []byte("old")}
	if ok, err := f.ring.read(&rec); !ok || err != nil || rec.LostSamples != 3 || len(rec.RawSample) != 0 {
		t.Errorf("got %+v, %v, %v, want 3 lost samples", rec, ok, err)
	}
	if rec.Remaining != 32 {
		t.Errorf("%d bytes remain, want 32", rec.Remaining)
	}
	f.expect(t, "thirteen long")
	f.expectNothing(t)
}

// Records cross the end of the data, and positions the end of their type.
func TestRingWraps(t *testing.T) {
	for _, start := range []uint64{0, 24, ^uint64(0) - 63, ^uint64(0) - 1023} {
		f := newFakeRing(64, start)
		for i := range 200 {
			text := strings.Repeat(string(rune('a'+i%26)), i%40)
			f.produce(sample(text))
			f.look()
			f.expect(t, text)
			f.produce(lost(uint64(i)))
			f.look()
			var rec Record
			if ok, err := f.ring.read(&rec); !ok || err != nil || rec.LostSamples != uint64(i) {
				t.Fatalf("got %+v, %v, %v, want %d lost", rec, ok, err, i)
			}
		}
	}
}

func TestRingPublishesAnEighthAtATime(t *testing.T) {
	f := newFakeRing(256, 0)
	for range 4 {
		f.produce(sample("four")) // 16 bytes
	}
	f.look()
	for i, published := range []uint64{0, 32, 32, 64} {
		f.expect(t, "four")
		if got := f.read.Load(); got != published {
			t.Errorf("after %d records %d bytes are published, want %d", i+1, got, published)
		}
	}
}

func TestRingGoesOnAfterUnknownRecords(t *testing.T) {
	f := newFakeRing(64, 0)
	f.produce(record(11, make([]byte, 8)))
	f.produce(sample("next"))
	f.look()
	if ok, err := f.ring.read(new(Record)); ok || !IsUnknownEvent(err) || !strings.Contains(err.Error(), "unknown type 11") {
		t.Errorf("got %v, %v", ok, err)
	}
	f.expect(t, "next")
}

func TestCorruptRing(t *testing.T) {
	oversized := sample("four")
	binary.NativeEndian.PutUint32(oversized[headerSize:], 5)
	for name, rec := range map[string][]byte{
		"no size":             make([]byte, 8),
		"record too long":     {9, 0, 0, 0, 0, 0, 64, 64},
		"odd size":            append([]byte{9, 0, 0, 0, 0, 0, 9, 9}, make([]byte, 8)...),
		"sample without size": record(recordSample, nil),
		"sample too long":     oversized,
		"lost without count":  record(recordLost, make([]byte, 8)),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeRing(64, 0)
			f.produce(rec)
			f.look()
			if ok, err := f.ring.read(new(Record)); ok || err == nil || !strings.Contains(err.Error(), "CPU 7 is corrupt") {
				t.Errorf("got %v, %v", ok, err)
			}
			f.produce(sample("next"))
			f.look()
			f.expect(t, "next")
		})
	}
}

func TestRingWithMoreThanItHolds(t *testing.T) {
	f := newFakeRing(64, 0)
	f.written.Store(72)
	f.look()
	if ok, err := f.ring.read(new(Record)); ok || err == nil || !strings.Contains(err.Error(), "72 of 64") {
		t.Errorf("got %v, %v", ok, err)
	}
}

func TestOverwritableReadsFromTheNewest(t *testing.T) {
	f := newFakeBackward(64)
	f.look()
	f.expectNothing(t)
	f.produce(sample("one"))
	f.produce(sample("two"))
	f.look()
	f.expect(t, "two")
	f.expect(t, "one")
	f.expectNothing(t)

	f.produce(sample("three"))
	f.look()
	f.expect(t, "three")
	f.expectNothing(t) // not the old ones again

	for _, text := range []string{"a", "b", "c", "d", "twenty bytes, so long", "z"} {
		f.produce(sample(text)) // 16 bytes each, but for the long one of 40
	}
	f.look()
	f.expect(t, "z")
	f.expect(t, "twenty bytes, so long")
	f.expectNothing(t) // what is left of d isn't a record
}

func TestOverwritableLeavesOutWhatIsOverwritten(t *testing.T) {
	f := newFakeBackward(64)
	for _, text := range []string{"a", "b", "c", "d"} {
		f.produce(sample(text))
	}
	f.look()
	f.expect(t, "d")
	f.produce(sample("e"))
	f.produce(sample("f"))
	f.expect(t, "c")
	f.expectNothing(t)
	f.look()
	f.expect(t, "f")
	f.expect(t, "e")
	f.expectNothing(t)
}

func FuzzRing(f *testing.F) {
	f.Add(sample("abc"), uint64(16), false)
	f.Add(sample("abc"), ^uint64(15), true)
	f.Add(lost(3), uint64(24), false)
	f.Add([]byte{9, 0, 0, 0, 0, 0, 16, 0, 255, 255, 255, 255}, uint64(16), false)
	f.Add([]byte{9, 0, 0, 0, 0, 0, 255, 255}, uint64(3), false)
	f.Add([]byte{1}, uint64(1<<40), true)
	f.Fuzz(func(t *testing.T, data []byte, head uint64, backward bool) {
		r := newFakeRing(64, 0)
		if backward {
			r = newFakeBackward(64)
		}
		copy(r.data, data)
		r.written.Store(head)
		r.look()
		var rec Record
		for range 64/headerSize + 1 {
			ok, err := r.ring.read(&rec)
			if len(rec.RawSample) > 64 {
				t.Fatalf("sample of %d bytes", len(rec.RawSample))
			}
			if !ok && !IsUnknownEvent(err) {
				return
			}
		}
		t.Error("no end to it")
	})
}
