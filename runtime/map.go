package ebpf

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Map is a map in the kernel.
//
// Keys and values are given as, and read into, Go values of the same size:
//   - fixed-size numbers and bool, and arrays and structs of them: by value or,
//     to be filled, by pointer. A struct is laid out as its C sibling, or, if
//     that is packed, has its fields without the padding;
//   - []byte, slices of the types above, and as input strings;
//   - encoding.BinaryMarshaler and encoding.BinaryUnmarshaler, whose methods
//     must not keep the receiver, nor what it points to, after they return;
//   - unsafe.Pointer to enough memory;
//   - *Map and *Program as values of maps that hold such; to be filled, **Map
//     and **Program;
//   - slices with a value for each possible CPU in per-CPU maps; to be filled,
//     also pointers to slices.
//
// All methods may be called from any goroutine, at any time: after Close, or
// while somebody closes it, a map gives ErrClosed. There is no finalizer: who
// makes a map closes it.
type Map struct {
	name       string
	fd         *kernel.FD
	typ        MapType
	keySize    uint32
	valueSize  uint32
	maxEntries uint32
	flags      uint32
	extra      uint64 // the address of arenas, 0 if any will do

	globals int64 // where variables are in the memory, in bytes: 0 but for arenas

	key     codec                  // codes keys
	value   codec                  // codes values, of one CPU if there is one for each
	cpus    int                    // values an element has, if that is one for each possible CPU
	plain   atomic.Pointer[goType] // of values of all CPUs that are as the kernel has them
	scratch sync.Pool
	writes  atomic.Uint64 // changes made through this Map, for its iterators: see written
	watched atomic.Bool   // there have been iterators
	batches sync.Pool     // of *batchBuffer

	keyType, valueType btf.Type // what C declares, nil if that isn't known

	pin     kernel.Pinned
	memory  mapping
	hooks   closeHooks
	ops     *structOps // nil unless loading made it
	slots   atomic.Pointer[kernel.Slots]
	missing [4]mapError // made once: a miss is nothing to allocate for
}

// newMap takes ownership of fd.
func newMap(fd *kernel.FD, name string, typ MapType, keySize, valueSize, maxEntries, flags uint32) (*Map, error) {
	m := &Map{
		name: name, fd: fd, typ: typ,
		keySize: keySize, valueSize: valueSize, maxEntries: maxEntries, flags: flags,
	}
	m.key.size, m.value.size = int(keySize), int(valueSize)
	for i, op := range [...]string{opLookup, opNextKey, opDelete, opLookupDelete} {
		m.missing[i] = mapError{op: op, name: name, cause: ErrKeyNotExist}
	}
	if !typ.hasPerCPUValue() {
		return m, nil
	}
	var err error
	if m.cpus, err = kernel.PossibleCPUs(); err != nil {
		fd.Close()
		return nil, fmt.Errorf("map %q: number of CPUs: %w", name, err)
	}
	return m, nil
}

// NewMap makes a map. Its owner closes it.
func NewMap(spec *MapSpec) (*Map, error) { return NewMapWithOptions(spec, MapOptions{}) }

// NewMapFromFD makes a Map of a raw descriptor, and takes ownership of that
// even if it fails. Needs 4.13.
func NewMapFromFD(fd int) (*Map, error) {
	if fd < 0 {
		return nil, fmt.Errorf("map from descriptor %d: %w", fd, ErrClosed)
	}
	return mapFromFD(kernel.NewFD(fd))
}

// NewMapFromID opens the map with an ID. It wraps os.ErrNotExist if there is
// none. Needs 4.13 and CAP_SYS_ADMIN.
func NewMapFromID(id MapID) (*Map, error) {
	fd, err := kernel.FDByID(kernel.CmdMapGetFDByID, uint32(id), 0)
	if err != nil {
		return nil, fmt.Errorf("map with ID %d: %w", id, kernel.ExplainPermission(err, kernel.CapSysAdmin))
	}
	return mapFromFD(fd)
}

// mapFromFD takes ownership of fd.
func mapFromFD(fd *kernel.FD) (*Map, error) {
	var info kernel.MapInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		fd.Close()
		return nil, fmt.Errorf("what map is this: %w", err)
	}
	m, err := newMap(fd, info.Name.String(), MapType(info.Type), info.KeySize, info.ValueSize, info.MaxEntries, info.MapFlags)
	if err != nil {
		return nil, err
	}
	m.extra = info.MapExtra
	return m, nil
}

// String names the map and its type.
func (m *Map) String() string { return fmt.Sprintf("%s(%s)#%d", m.typ, m.name, m.FD()) }

// Type is the map's type.
func (m *Map) Type() MapType { return m.typ }

// KeySize is the size of keys in bytes.
func (m *Map) KeySize() uint32 { return m.keySize }

// ValueSize is the size of values in bytes: in per-CPU maps, that of one CPU.
func (m *Map) ValueSize() uint32 { return m.valueSize }

// MaxEntries is the greatest number of elements; of a ring buffer, bytes.
func (m *Map) MaxEntries() uint32 { return m.maxEntries }

// Flags are those that the map was made with.
func (m *Map) Flags() uint32 { return m.flags }

// FD is the descriptor, -1 after Close. It is the map's: don't close it, and
// don't use it while others may close the map.
func (m *Map) FD() int { return m.fd.Int() }

// Close gives up the map. The kernel keeps it as long as programs use it or it
// is pinned. Closing again, or closing nil, does nothing.
func (m *Map) Close() error {
	if m == nil {
		return nil
	}
	m.memory.close()
	m.ops.close()
	err := closeFD(m.fd)
	m.hooks.run()
	return err
}

// closeFD makes closing again harmless.
func closeFD(fd *kernel.FD) error {
	if err := fd.Close(); err != nil && !errors.Is(err, ErrClosed) {
		return err
	}
	return nil
}

// Clone is a second handle of the same map, to be closed by itself. It isn't
// pinned. The clone of nil is nil.
func (m *Map) Clone() (*Map, error) {
	if m == nil {
		return nil, nil
	}
	fd, err := m.fd.Dup()
	if err != nil {
		return nil, fmt.Errorf("clone map %q: %w", m.name, err)
	}
	clone, err := newMap(fd, m.name, m.typ, m.keySize, m.valueSize, m.maxEntries, m.flags)
	if err != nil {
		return nil, err
	}
	clone.extra, clone.globals = m.extra, m.globals
	clone.keyType, clone.valueType = m.keyType, m.valueType
	clone.slots.Store(m.slots.Load())
	if clone.ops, err = m.ops.clone(); err != nil {
		clone.Close()
		return nil, fmt.Errorf("clone map %q: %w", m.name, err)
	}
	return clone, nil
}

// Freeze makes the map read-only for user space, for good. Programs can still
// write to it, unless it has BPF_F_RDONLY_PROG. Needs 5.2.
func (m *Map) Freeze() error {
	if err := kernel.MapFreeze(m.fd); err != nil {
		return m.fail(opFreeze, err)
	}
	return nil
}

// Lookup copies the value of a key to what valueOut points to. If that is a
// **Map or **Program which isn't nil, what was there is closed.
//
// It wraps ErrKeyNotExist if there is no such key.
func (m *Map) Lookup(key, valueOut any) error { return m.LookupWithFlags(key, valueOut, 0) }

// LookupWithFlags is Lookup with flags, which need 5.1.
func (m *Map) LookupWithFlags(key, valueOut any, flags MapLookupFlags) error {
	k, v := known(key, m.key.in.Load()), known(valueOut, m.value.out.Load())
	if m.cpus > 0 {
		v = m.inPlace(valueOut)
	}
	if k == nil || v == nil {
		return m.get(opLookup, key, valueOut, flags)
	}
	if !m.fd.Hold() {
		return m.fail(opLookup, ErrClosed)
	}
	attr := kernel.MapElemAttr{MapFD: m.fd.Held(), Key: kernel.Addr(k), Value: kernel.Addr(v), Flags: uint64(flags)}
	errno := attr.Lookup()
	m.fd.Release()
	if errno != 0 {
		return m.refused(opLookup, errno)
	}
	return nil
}

// LookupAndDelete is Lookup that removes what it finds. Queues and stacks have
// no keys, which is to say a nil one; they need 4.20, hash maps 5.14.
func (m *Map) LookupAndDelete(key, valueOut any) error {
	return m.get(opLookupDelete, key, valueOut, 0)
}

// LookupAndDeleteWithFlags is LookupAndDelete with flags.
func (m *Map) LookupAndDeleteWithFlags(key, valueOut any, flags MapLookupFlags) error {
	return m.get(opLookupDelete, key, valueOut, flags)
}

// LookupBytes is a copy of the value of a key, or nil if there is none. A
// per-CPU value is as the kernel has it: one value after another, each at a
// multiple of eight bytes.
func (m *Map) LookupBytes(key any) ([]byte, error) {
	k, err := m.key.sourceOrNone(key)
	if err != nil {
		return nil, &mapError{op: opLookup, name: m.name, raw: fmt.Errorf("key: %w", err)}
	}
	value := make([]byte, m.elementSize())
	err = m.kernelGet(opLookup, k, address(value), 0)
	if errors.Is(err, ErrKeyNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return value, nil
}

// elementSize is how much memory the kernel takes for a value.
func (m *Map) elementSize() int {
	if m.cpus > 0 {
		return m.cpus * m.perCPUStride()
	}
	return m.value.size
}

// written is called before a change: what iterators have read ahead is no longer
// to be relied on.
func (m *Map) written() {
	if m.watched.Load() {
		m.writes.Add(1)
	}
}

// get looks up a value, and decodes it.
func (m *Map) get(op string, key, valueOut any, flags MapLookupFlags) error {
	k, err := m.key.sourceOrNone(key)
	if err != nil {
		return &mapError{op: op, name: m.name, raw: fmt.Errorf("key: %w", err)}
	}
	v, scratch, err := m.target(valueOut)
	if err != nil {
		return &mapError{op: op, name: m.name, raw: fmt.Errorf("value: %w", err)}
	}
	if v == nil && m.cpus > 0 {
		return m.getPerCPU(op, k, valueOut, flags)
	}
	if err := m.kernelGet(op, k, v, flags); err != nil {
		return err
	}
	if scratch == nil {
		return nil
	}
	if err := m.setValue(valueOut, scratch); err != nil {
		return &mapError{op: op, name: m.name, raw: fmt.Errorf("value: %w", err)}
	}
	return nil
}

// Put makes or replaces an element.
func (m *Map) Put(key, value any) error { return m.Update(key, value, UpdateAny) }

// Update makes or replaces an element, as flags say. It wraps ErrKeyExist or
// ErrKeyNotExist if they forbid it.
func (m *Map) Update(key, value any, flags MapUpdateFlags) error {
	k, v := known(key, m.key.in.Load()), known(value, m.value.in.Load())
	if k == nil || v == nil || m.cpus > 0 {
		return m.put(key, value, flags)
	}
	m.written()
	if !m.fd.Hold() {
		return m.fail(opUpdate, ErrClosed)
	}
	attr := kernel.MapElemAttr{MapFD: m.fd.Held(), Key: kernel.Addr(k), Value: kernel.Addr(v), Flags: uint64(flags)}
	errno := attr.Update()
	m.fd.Release()
	if errno != 0 {
		return m.refused(opUpdate, errno)
	}
	return nil
}

// put is Update for keys and values that have to be looked at.
func (m *Map) put(key, value any, flags MapUpdateFlags) error {
	k, err := m.key.sourceOrNone(key)
	if err != nil {
		return &mapError{op: opUpdate, name: m.name, raw: fmt.Errorf("key: %w", err)}
	}
	if m.cpus > 0 {
		return m.putPerCPU(k, value, flags)
	}
	switch held := value.(type) {
	case *Map:
		return m.putFD(k, held.descriptor(), m.typ.holdsMaps(), flags)
	case *Program:
		return m.putFD(k, held.descriptor(), m.typ == ProgramArray, flags)
	}
	v, err := m.value.source(value)
	if err != nil {
		return &mapError{op: opUpdate, name: m.name, raw: fmt.Errorf("value: %w", err)}
	}
	return m.kernelPut(k, v, flags)
}

func (m *Map) descriptor() *kernel.FD {
	if m == nil {
		return nil
	}
	return m.fd
}

// Delete removes an element. It wraps ErrKeyNotExist if there is none.
func (m *Map) Delete(key any) error {
	k, err := m.key.sourceOrNone(key)
	if err != nil {
		return &mapError{op: opDelete, name: m.name, raw: fmt.Errorf("key: %w", err)}
	}
	m.written()
	if err := kernel.MapDelete(m.fd, k); err != nil {
		return m.fail(opDelete, err)
	}
	return nil
}

// NextKey copies the key that follows key to what nextKeyOut points to. After
// nil comes the first one. It wraps ErrKeyNotExist if key is the last one.
//
// Where key isn't in the map (any more), the first key follows.
func (m *Map) NextKey(key, nextKeyOut any) error {
	next, scratch, err := m.key.target(nextKeyOut)
	if err != nil {
		return &mapError{op: opNextKey, name: m.name, raw: fmt.Errorf("next key: %w", err)}
	}
	if err := m.kernelNextKey(key, next); err != nil {
		return err
	}
	if scratch == nil {
		return nil
	}
	if err := m.key.setFrom(nextKeyOut, scratch); err != nil {
		return &mapError{op: opNextKey, name: m.name, raw: fmt.Errorf("next key: %w", err)}
	}
	return nil
}

// NextKeyBytes is the key that follows key, or nil if that is the last one.
// After nil comes the first one.
func (m *Map) NextKeyBytes(key any) ([]byte, error) {
	next := make([]byte, m.keySize)
	err := m.kernelNextKey(key, address(next))
	if errors.Is(err, ErrKeyNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return next, nil
}

// Memory is the contents of the map as memory that is shared with the kernel.
// The map must have been made with BPF_F_MMAPABLE, which needs 5.5. It is the
// same each time, and goes with the map's Close.
func (m *Map) Memory() (*Memory, error) {
	if m.flags&uapi.MapFlagMmapable == 0 {
		return nil, fmt.Errorf("memory of map %q: made without BPF_F_MMAPABLE: %w", m.name, ErrNotSupported)
	}
	return m.memory.of(m)
}
