package ebpf

import (
	"encoding"
	"fmt"
	"reflect"
	"sync/atomic"
	"unsafe"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// This file is the package's only use of unsafe. It relies on an interface
// being a type and a data word, where the data word is the value if that is a
// pointer, and points to the value otherwise.

// word is the data word of v: the address of a number, array, struct or slice
// header in v, or the pointer in v. It keeps v's memory where it is.
func word(v any) unsafe.Pointer {
	return (*[2]unsafe.Pointer)(unsafe.Pointer(&v))[1]
}

// goType is a type, compared by its address.
type goType byte

// hidden is p without the compiler seeing where it comes from: what p points to
// may then be on the stack. Nothing may keep it past the call that it is for.
//
//go:nosplit
func hidden(p unsafe.Pointer) unsafe.Pointer {
	x := uintptr(p) // no call follows, so that no stack moves meanwhile
	return *(*unsafe.Pointer)(unsafe.Pointer(&x))
}

// typeOf is the type word of v.
func typeOf(v any) *goType { return (*goType)(hidden((*[2]unsafe.Pointer)(unsafe.Pointer(&v))[0])) }

// textOf is data as a string. data mustn't change any more.
func textOf(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// bytesOf is text as bytes, which mustn't be written to: the processor forbids it.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

// numberSize is the size of a number, or of what a pointer to one points to;
// zero for other types. These need no reflection.
func numberSize(v any) int {
	switch v.(type) {
	case uint32, int32, *uint32, *int32, float32, *float32:
		return 4
	case uint64, int64, *uint64, *int64, float64, *float64:
		return 8
	case uint16, int16, *uint16, *int16:
		return 2
	case uint8, int8, *uint8, *int8:
		return 1
	}
	return 0
}

// known is where v's memory is, if v is of the type that the kernel could use as it is
// last time, or points to memory that the caller answers for. If it is nil, v has to
// be looked at: see source and target. It is small enough to become part of its callers.
func known(v any, last *goType) unsafe.Pointer {
	if p, ok := v.(unsafe.Pointer); ok {
		return p
	}
	if typeOf(v) == last {
		return word(v)
	}
	return nil
}

// source is where the kernel reads v. The pointer is good as long as v is.
func (c *codec) source(v any) (unsafe.Pointer, error) {
	if p := word(v); p != nil && typeOf(v) == c.in.Load() {
		return p, nil
	}
	if p, ok := v.(unsafe.Pointer); ok {
		return p, nil
	}
	if n := numberSize(v); n != 0 && n == c.size {
		if p := word(v); p != nil {
			c.in.CompareAndSwap(nil, typeOf(v))
			return p, nil
		}
		return nil, errNilValue
	}
	switch v := v.(type) {
	case []byte:
		if len(v) != c.size {
			return nil, fmt.Errorf("[]byte has %d bytes, needed are %d", len(v), c.size)
		}
		return unsafe.Pointer(unsafe.SliceData(v)), nil
	case string:
		if len(v) != c.size {
			return nil, fmt.Errorf("string has %d bytes, needed are %d", len(v), c.size)
		}
		return unsafe.Pointer(unsafe.StringData(v)), nil
	}
	t := reflect.TypeOf(v)
	if c.asItIs(v, t, reflect.TypeFor[encoding.BinaryMarshaler](), true) {
		c.in.Store(typeOf(v))
		return word(v), nil
	}
	buf, err := c.bytesOf(v)
	return unsafe.Pointer(unsafe.SliceData(buf)), err
}

// sourceOrNone is source for keys of maps that have none: nil, and only there.
func (c *codec) sourceOrNone(v any) (unsafe.Pointer, error) {
	if v == nil && c.size == 0 {
		return nil, nil
	}
	return c.source(v)
}

// target is where the kernel may write a value for v. If scratch isn't nil,
// setFrom has to bring it from there to v afterwards.
func (c *codec) target(v any) (p unsafe.Pointer, scratch []byte, err error) {
	if p := word(v); p != nil && typeOf(v) == c.out.Load() {
		return p, nil, nil
	}
	if p, ok := v.(unsafe.Pointer); ok {
		return p, nil, nil
	}
	if n := numberSize(v); n != 0 && n == c.size {
		if t := reflect.TypeOf(v); t.Kind() != reflect.Pointer {
			return nil, nil, fmt.Errorf("can't decode into %s: it is not a pointer", t)
		}
		if p := word(v); p != nil {
			c.out.CompareAndSwap(nil, typeOf(v))
			return p, nil, nil
		}
		return nil, nil, errNilValue
	}
	switch v := v.(type) {
	case []byte:
		if len(v) != c.size {
			return nil, nil, fmt.Errorf("[]byte has %d bytes, needed are %d", len(v), c.size)
		}
		return unsafe.Pointer(unsafe.SliceData(v)), nil, nil
	}
	t := reflect.TypeOf(v)
	if t != nil && t.Kind() == reflect.Pointer && c.asItIs(v, t, reflect.TypeFor[encoding.BinaryUnmarshaler](), false) {
		c.out.Store(typeOf(v))
		return word(v), nil, nil
	}
	scratch = make([]byte, c.size)
	return unsafe.Pointer(unsafe.SliceData(scratch)), scratch, nil
}

// asItIs tells whether the kernel may use the memory at v's data word: it is of
// fixed size, the right one, and means nothing else. What is written (by us)
// must have no padding with leftovers in it; what is read has no bools.
func (c *codec) asItIs(v any, t, custom reflect.Type, write bool) bool {
	if t == nil || t.Implements(custom) || word(v) == nil {
		return false
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if k := t.Kind(); k == reflect.Slice || k == reflect.String || int(t.Size()) != c.size {
		return false
	}
	l, err := layoutOf(t)
	return err == nil && (write && l.solid() || !write && len(l.bools) == 0)
}

// memoryOf is the memory of a value of type t, which v is or points to.
func memoryOf(v any, t reflect.Type) ([]byte, error) {
	p := word(v)
	if p == nil {
		return nil, errNilValue
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return nil, fmt.Errorf("can't encode %s: it has no fixed size", t)
	}
	return unsafe.Slice((*byte)(p), t.Size()), nil
}

// sliceOf tells whether v is a slice, or points to one.
func sliceOf(v any, t reflect.Type) (elem reflect.Type, n int, ok bool) {
	if t == nil {
		return nil, 0, false
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Slice || word(v) == nil {
		return nil, 0, false
	}
	return t.Elem(), len(*(*[]byte)(word(v))), true
}

// sliceMemory is the memory of the elements of what sliceOf said is a slice.
func sliceMemory(v any, size int) []byte {
	return unsafe.Slice(unsafe.SliceData(*(*[]byte)(word(v))), size)
}

// heapCopy is a shallow copy of v, for calling methods on. Through it, the
// methods see no memory of the caller's frame, which is what lets operations on
// maps take keys and values without moving them to the heap. If v is a pointer,
// what it points to is copied; writeBack copies it back.
func heapCopy(v any, t reflect.Type) (copied any, writeBack func(), err error) {
	p := hidden(word(v))
	switch t.Kind() {
	case reflect.Pointer:
		if p == nil {
			return nil, nil, errNilValue
		}
		dup := reflect.New(t.Elem())
		orig := reflect.NewAt(t.Elem(), p).Elem()
		dup.Elem().Set(orig)
		typed := reflect.New(t).Elem() // t may have a name, and methods of its own
		typed.Set(dup)
		return typed.Interface(), func() { orig.Set(dup.Elem()) }, nil
	case reflect.Map, reflect.Chan, reflect.Func:
		return nil, nil, fmt.Errorf("can't encode %s: it has no fixed size", t)
	}
	dup := reflect.New(t).Elem()
	dup.Set(reflect.NewAt(t, p).Elem())
	return dup.Interface(), func() {}, nil
}

// marshal encodes v into all of dst.
func (c *codec) marshal(dst []byte, v any) error {
	p, err := c.source(v)
	if err != nil {
		return err
	}
	copy(dst, unsafe.Slice((*byte)(p), c.size))
	return nil
}

// unmarshal decodes all of src into what v points to.
func (c *codec) unmarshal(v any, src []byte) error {
	p, scratch, err := c.target(v)
	if err != nil {
		return err
	}
	if scratch != nil {
		return c.setFrom(v, src)
	}
	copy(unsafe.Slice((*byte)(p), c.size), src)
	return nil
}

// load copies the value to p, which is large enough. It reports whether it could: if
// not, Get says why. Like hot operations of maps, it has no calls but that of the copy.
func (v *Variable) load(p unsafe.Pointer) bool {
	mm := v.m.memory.memory.Load()
	if mm == nil {
		return false
	}
	b, ok := mm.part(v.offset, v.codec.size)
	copy(unsafe.Slice((*byte)(p), len(b)), b)
	return ok && !mm.closed.Load()
}

// leaked is v without the compiler seeing where it comes from: see hidden.
func leaked(v any) (out any) {
	words := (*[2]unsafe.Pointer)(unsafe.Pointer(&v))
	*(*[2]unsafe.Pointer)(unsafe.Pointer(&out)) = [2]unsafe.Pointer{hidden(words[0]), hidden(words[1])}
	return out
}

// growSlice points v, a pointer to a slice of type t, to a new one of n elements.
func growSlice(v any, t reflect.Type, n int) {
	reflect.NewAt(t, hidden(word(v))).Elem().Set(reflect.MakeSlice(t, n, n))
}

// address is where b begins.
func address(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

// typed is memory as what it holds: the caller has checked size, alignment and
// that T has no Go pointers.
func typed[T any](b []byte) *T { return (*T)(address(b)) }

// sliceAt is memory as a slice of what it holds: see typed.
func sliceAt[T any](b []byte) []T {
	return unsafe.Slice((*T)(address(b)), uintptr(len(b))/unsafe.Sizeof(*new(T)))
}

// addressOf is for callers that don't import unsafe.
func addressOf[T any](p *T) unsafe.Pointer { return unsafe.Pointer(p) }

// memoryAt is the memory of a value.
func memoryAt[T any](p *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p)) }

// sizeOf is the size of an element.
func sizeOf[T any]([]T) int { return int(unsafe.Sizeof(*new(T))) }

// memoryOfAll is the memory of values.
func memoryOfAll[T any](values []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*sizeOf(values))
}

// aligned tells whether p is at a multiple of its size, as atomic operations want.
func aligned[T any](p *T) bool { return uintptr(unsafe.Pointer(p))%unsafe.Sizeof(*p) == 0 }

// loadWord reads a value of four or eight bytes whole.
func loadWord[T any](p *T) T {
	if unsafe.Sizeof(*p) == 8 && aligned(p) {
		word := atomic.LoadUint64((*uint64)(unsafe.Pointer(p)))
		return *(*T)(unsafe.Pointer(&word))
	}
	if unsafe.Sizeof(*p) == 4 && aligned(p) {
		word := atomic.LoadUint32((*uint32)(unsafe.Pointer(p)))
		return *(*T)(unsafe.Pointer(&word))
	}
	return *p
}

// storeWord writes a value of four or eight bytes whole.
func storeWord[T any](p *T, value T) {
	switch {
	case unsafe.Sizeof(*p) == 8 && aligned(p):
		atomic.StoreUint64((*uint64)(unsafe.Pointer(p)), *(*uint64)(unsafe.Pointer(&value)))
	case unsafe.Sizeof(*p) == 4 && aligned(p):
		atomic.StoreUint32((*uint32)(unsafe.Pointer(p)), *(*uint32)(unsafe.Pointer(&value)))
	default:
		*p = value
	}
}

// loadInt is loadWord of what is known to be aligned.
func loadInt[T Integer](p *T) T {
	if unsafe.Sizeof(*p) == 8 {
		return T(atomic.LoadUint64((*uint64)(unsafe.Pointer(p))))
	}
	return T(atomic.LoadUint32((*uint32)(unsafe.Pointer(p))))
}

// storeInt is storeWord of what is known to be aligned.
func storeInt[T Integer](p *T, value T) {
	if unsafe.Sizeof(*p) == 8 {
		atomic.StoreUint64((*uint64)(unsafe.Pointer(p)), uint64(value))
		return
	}
	atomic.StoreUint32((*uint32)(unsafe.Pointer(p)), uint32(value))
}

// addWord adds atomically and returns the sum.
func addWord[T Integer](p *T, delta T) T {
	if unsafe.Sizeof(*p) == 8 {
		return T(atomic.AddUint64((*uint64)(unsafe.Pointer(p)), uint64(delta)))
	}
	return T(atomic.AddUint32((*uint32)(unsafe.Pointer(p)), uint32(delta)))
}

// kernelGet has the kernel write the value of a key to value.
func (m *Map) kernelGet(op string, key, value unsafe.Pointer, flags MapLookupFlags) error {
	var err error
	if op == opLookupDelete {
		m.written()
		err = kernel.MapLookupAndDelete(m.fd, key, value, uint64(flags))
	} else {
		err = kernel.MapLookup(m.fd, key, value, uint64(flags))
	}
	if err != nil {
		return m.fail(op, err)
	}
	return nil
}

// kernelPut has the kernel read value.
func (m *Map) kernelPut(key, value unsafe.Pointer, flags MapUpdateFlags) error {
	m.written()
	if err := kernel.MapUpdate(m.fd, key, value, uint64(flags)); err != nil {
		return m.fail(opUpdate, err)
	}
	return nil
}

// kernelNextKey has the kernel write the key that follows key, or the first
// one, to next.
func (m *Map) kernelNextKey(key any, next unsafe.Pointer) error {
	var k unsafe.Pointer
	if key != nil {
		var err error
		if k, err = m.key.source(key); err != nil {
			return &mapError{op: opNextKey, name: m.name, raw: fmt.Errorf("key: %w", err)}
		}
	}
	if err := kernel.MapNextKey(m.fd, k, next); err != nil {
		return m.fail(opNextKey, err)
	}
	return nil
}

// getPerCPU is get for maps with a value for each CPU. valuesOut may also be
// memory that is as the kernel has it.
func (m *Map) getPerCPU(op string, key unsafe.Pointer, valuesOut any, flags MapLookupFlags) error {
	if raw, ok := valuesOut.(unsafe.Pointer); ok {
		return m.kernelGet(op, key, raw, flags)
	}
	buf := m.perCPUBuffer()
	defer m.scratch.Put(buf)
	if err := m.kernelGet(op, key, address(*buf), flags); err != nil {
		return err
	}
	if err := m.collect(valuesOut, *buf); err != nil {
		return &mapError{op: op, name: m.name, raw: fmt.Errorf("value: %w", err)}
	}
	return nil
}

// target is where the kernel may write what valueOut is for: see codec.target. It
// is nil for the values of all CPUs if they have to be decoded.
func (m *Map) target(valueOut any) (p unsafe.Pointer, scratch []byte, err error) {
	if m.cpus > 0 {
		return m.inPlace(valueOut), nil, nil
	}
	return m.value.target(valueOut)
}

// inPlace is the memory of a slice, or of what points to one, if the kernel can
// write the values of all CPUs right there. The type that could last time is known.
func (m *Map) inPlace(valuesOut any) unsafe.Pointer {
	if known := m.plain.Load(); known == nil || known != typeOf(valuesOut) {
		elem, _, ok := sliceOf(valuesOut, reflect.TypeOf(valuesOut))
		if !ok || m.value.size%8 != 0 || !solidElement(elem, m.value.size) {
			return nil
		}
		m.plain.Store(typeOf(valuesOut))
	}
	if p := word(valuesOut); p != nil && len(*(*[]byte)(p)) == m.cpus {
		return unsafe.Pointer(unsafe.SliceData(*(*[]byte)(p)))
	}
	return nil
}

// decodeElement decodes the memory of a whole element, as getPerCPU and get do.
func (m *Map) decodeElement(valueOut any, element []byte) error {
	var err error
	raw, isRaw := valueOut.(unsafe.Pointer)
	switch {
	case m.cpus == 0:
		err = m.value.unmarshal(valueOut, element)
	case isRaw:
		copy(unsafe.Slice((*byte)(raw), len(element)), element)
	default:
		err = m.collect(valueOut, element)
	}
	if err != nil {
		return &mapError{op: opLookup, name: m.name, raw: fmt.Errorf("value: %w", err)}
	}
	return nil
}

// putPerCPU is Update for maps with a value for each CPU.
func (m *Map) putPerCPU(key unsafe.Pointer, values any, flags MapUpdateFlags) error {
	if raw, ok := values.(unsafe.Pointer); ok {
		return m.kernelPut(key, raw, flags)
	}
	buf := m.perCPUBuffer()
	defer m.scratch.Put(buf)
	if err := m.spread(*buf, values); err != nil {
		return &mapError{op: opUpdate, name: m.name, raw: fmt.Errorf("value: %w", err)}
	}
	return m.kernelPut(key, address(*buf), flags)
}

// putFD is Update with a map or program as the value.
func (m *Map) putFD(key unsafe.Pointer, fd *kernel.FD, fits bool, flags MapUpdateFlags) error {
	if !fits {
		return &mapError{op: opUpdate, name: m.name, raw: fmt.Errorf("value: a %s can't hold that", m.typ)}
	}
	if fd == nil {
		return &mapError{op: opUpdate, name: m.name, raw: fmt.Errorf("value: %w", errNilValue)}
	}
	raw, err := fd.Acquire()
	if err != nil {
		return &mapError{op: opUpdate, name: m.name, raw: fmt.Errorf("value: %w", err)}
	}
	defer fd.Release()
	value := uint32(raw)
	return m.kernelPut(key, unsafe.Pointer(&value), flags)
}
