package ebpf

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// A map that the kernel refuses is refused for an attribute, which the error
// names, together with what it may be.
func TestMapRefusals(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	testutil.CheckFDs(t)
	array := func(change func(*MapSpec)) *MapSpec {
		spec := &MapSpec{Name: "m", Type: Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}
		change(spec)
		return spec
	}
	typed := func(typ MapType, change func(*MapSpec)) *MapSpec {
		return array(func(ms *MapSpec) {
			ms.Type = typ
			change(ms)
		})
	}
	unchanged := func(*MapSpec) {}
	for _, c := range []struct {
		name  string
		spec  *MapSpec
		errno unix.Errno
		want  string
	}{
		{"no entries", array(func(ms *MapSpec) { ms.MaxEntries = 0 }), unix.EINVAL, "MaxEntries is 0; maps of type Array need at least 1"},
		{"array key", array(func(ms *MapSpec) { ms.KeySize = 8 }), unix.EINVAL, "KeySize is 8; maps of type Array have keys of 4 bytes"},
		{"no value", array(func(ms *MapSpec) { ms.ValueSize = 0 }), unix.EINVAL, "ValueSize is 0; maps of type Array have values of at least 1 bytes"},
		{"two faults", array(func(ms *MapSpec) { ms.KeySize, ms.MaxEntries = 2, 0 }), unix.EINVAL,
			"KeySize is 2; maps of type Array have keys of 4 bytes; MaxEntries is 0; maps of type Array need at least 1"},
		{"hash key", typed(Hash, func(ms *MapSpec) { ms.KeySize = 0 }), unix.EINVAL, "KeySize is 0; maps of type Hash have keys of at least 1 bytes"},
		{"per-CPU value", typed(PerCPUArray, func(ms *MapSpec) { ms.ValueSize = 64 << 10 }), unix.E2BIG,
			"ValueSize is 65536; maps of type PerCPUArray have values of 1 to 32768 bytes"},
		{"stack trace", typed(StackTrace, func(ms *MapSpec) { ms.ValueSize = 12 }), unix.EINVAL,
			"ValueSize is 12; maps of type StackTrace have values of 8 to 1016, in steps of 8 bytes"},
		{"LPM key", typed(LPMTrie, func(ms *MapSpec) { ms.Flags = uapi.MapFlagNoPrealloc }), unix.EINVAL, "KeySize is 4; maps of type LPMTrie have keys of 5 to 260 bytes"},
		{"LPM flag", typed(LPMTrie, func(ms *MapSpec) { ms.KeySize = 8 }), unix.EINVAL, "maps of type LPMTrie need flag BPF_F_NO_PREALLOC"},
		{"queue key", typed(Queue, unchanged), unix.EINVAL, "KeySize is 4; maps of type Queue have keys of 0 bytes"},
		{"device map value", typed(DevMap, func(ms *MapSpec) { ms.ValueSize = 16 }), unix.EINVAL, "ValueSize is 16; maps of type DevMap have values of 4 or 8 bytes"},
		{"ring too large", typed(RingBuf, func(ms *MapSpec) { ms.MaxEntries = 1<<31 + 1 }), unix.EINVAL,
			"MaxEntries is 2147483649; maps of type RingBuf have a power of two of pages (4096 bytes)"},
		{"no ring", typed(RingBuf, func(ms *MapSpec) { ms.MaxEntries = 0 }), unix.EINVAL, "MaxEntries is 0; maps of type RingBuf need at least 1"},
		{"storage", typed(TaskStorage, unchanged), unix.EINVAL,
			"MaxEntries is 1; maps of type TaskStorage need 0; maps of type TaskStorage need flag BPF_F_NO_PREALLOC; maps of type TaskStorage need BTF: declare key and value with __type in C, or set Key and Value"},
		{"extra", array(func(ms *MapSpec) { ms.MapExtra = 7 }), unix.EINVAL, "MapExtra is 0x7; only maps of type BloomFilter and Arena have any"},
		{"hash functions", typed(BloomFilter, func(ms *MapSpec) { ms.KeySize, ms.MapExtra = 0, 99 }), unix.EINVAL, "MapExtra is 99; maps of type BloomFilter have at most 15 hash functions"},
		{"no such NUMA node", array(func(ms *MapSpec) { ms.NumaNode, ms.Flags = 999, uapi.MapFlagNUMANode }), unix.EINVAL,
			"there is no NUMA node 999, or none for maps of type Array"},
		{"flag of other types", array(func(ms *MapSpec) { ms.Flags = uapi.MapFlagNoPrealloc }), unix.EINVAL, "flag BPF_F_NO_PREALLOC isn't for maps of type Array on this kernel"},
		{"no flag", array(func(ms *MapSpec) { ms.Flags = 1 << 31 }), unix.EINVAL, "flags 0x80000000 are none that BPF_MAP_CREATE has"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := NewMap(c.spec)
			if err == nil {
				m.Close()
				t.Fatal("the kernel takes it")
			}
			errno, want := c.errno, c.want
			if errors.Is(err, unix.ENOMEM) && errno == unix.E2BIG {
				errno = unix.ENOMEM // before 5.15 or so
			}
			if since := uapi.MapType(c.spec.Type).MinKernel(); !kernel.AtLeast(since) {
				want = fmt.Sprintf("%v: maps of type %s need Linux %s", ErrNotSupported, c.spec.Type, since)
			}
			want = `map "m": BPF_MAP_CREATE: ` + errno.Error() + ": " + want
			if !errors.Is(err, errno) || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}
