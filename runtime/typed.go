package ebpf

import (
	"fmt"
	"iter"
	"reflect"
	"slices"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// The typed views of maps, such as HashMap, are structs with a *Map in them:
// what the view can't do, the map can. They come from LoadAndAssign, as types of
// fields, or from View. That checks, once, that the Go types are what the
// kernel has: their sizes, and, where the C types are known (BTF), the layout.
// Afterwards keys and values are passed as values, and nothing is allocated.
//
// A view is as small as two pointers, is copied as a value, and is as good for
// concurrent use as its Map. Close on any copy closes the map.

// mapView is a typed view of a map: as a field, it takes the place of a *Map.
type mapView interface {
	bindMap(m *Map) error
}

// viewOf is *T for a view T.
type viewOf[T any] interface {
	*T
	mapView
}

// View is a typed view of a map, for instance
//
//	execs, err := ebpf.View[ebpf.HashMap[uint32, uint64]](m)
//
// It fails if the map is of another type, and wraps ErrInvalidType if the Go
// types of keys or values are not what the map has; the error then names the
// first field that differs. Fields that LoadAndAssign fills need no View.
func View[T any, P viewOf[T]](m *Map) (T, error) {
	var view T
	if m == nil {
		return view, fmt.Errorf("view of a map: %w", errNilValue)
	}
	err := P(&view).bindMap(m)
	return view, err
}

// elements is what a view knows about its keys and values.
type elements struct{ key, value shape }

// checkType refuses maps that a view has no methods for.
func (m *Map) checkType(view string, types ...MapType) error {
	if slices.Contains(types, m.typ) {
		return nil
	}
	return fmt.Errorf("map %q: a %s is no %s: its types are %v", m.name, m.typ, view, types)
}

// bindElements checks keys and values, and of what type the map is.
func bindElements[K, V any](m *Map, view string, types ...MapType) (*elements, error) {
	if err := m.checkType(view, types...); err != nil {
		return nil, err
	}
	key, err := bindType[K](m, "key", m.key.size, m.keyType)
	if err != nil {
		return nil, err
	}
	value, err := bindType[V](m, "value", m.value.size, m.valueType)
	if err != nil {
		return nil, err
	}
	return &elements{key, value}, nil
}

func bindKey[K any](m *Map, view string, types ...MapType) (*elements, error) {
	if err := m.checkType(view, types...); err != nil {
		return nil, err
	}
	key, err := bindType[K](m, "key", m.key.size, m.keyType)
	return &elements{key: key}, err
}

func bindValue[V any](m *Map, view string, types ...MapType) (*elements, error) {
	if err := m.checkType(view, types...); err != nil {
		return nil, err
	}
	value, err := bindType[V](m, "value", m.value.size, m.valueType)
	return &elements{value: value}, err
}

func bindType[T any](m *Map, what string, size int, c btf.Type) (shape, error) {
	s, err := shapeOf(reflect.TypeFor[T](), size, c)
	if err != nil {
		return s, fmt.Errorf("map %q: %w: %s: %w", m.name, ErrInvalidType, what, err)
	}
	return s, nil
}

// The operations that views are made of. Keys and values are parameters, so that
// cleaning them doesn't touch the caller's, and stay on the stack, because the
// kernel doesn't keep pointers to them.

func getElement[K, V any](m *Map, e *elements, key K) (value V, err error) {
	e.key.clean(memoryAt(&key))
	if !m.fd.Hold() {
		return value, m.fail(opLookup, ErrClosed)
	}
	attr := kernel.MapElemAttr{MapFD: m.fd.Held(), Key: kernel.Addr(addressOf(&key)), Value: kernel.Addr(addressOf(&value))}
	errno := attr.Lookup()
	m.fd.Release()
	if errno != 0 {
		return value, m.refused(opLookup, errno)
	}
	e.value.repair(memoryAt(&value))
	return value, nil
}

func takeElement[K, V any](m *Map, e *elements, key K) (value V, err error) {
	e.key.clean(memoryAt(&key))
	if err := m.kernelGet(opLookupDelete, addressOf(&key), addressOf(&value), 0); err != nil {
		return value, err
	}
	e.value.repair(memoryAt(&value))
	return value, nil
}

func setElement[K, V any](m *Map, e *elements, key K, value V, flags MapUpdateFlags) error {
	e.key.clean(memoryAt(&key))
	e.value.clean(memoryAt(&value))
	m.written()
	if !m.fd.Hold() {
		return m.fail(opUpdate, ErrClosed)
	}
	attr := kernel.MapElemAttr{MapFD: m.fd.Held(), Key: kernel.Addr(addressOf(&key)), Value: kernel.Addr(addressOf(&value)), Flags: uint64(flags)}
	errno := attr.Update()
	m.fd.Release()
	if errno != 0 {
		return m.refused(opUpdate, errno)
	}
	return nil
}

func deleteElement[K any](m *Map, e *elements, key K) error {
	e.key.clean(memoryAt(&key))
	m.written()
	if err := kernel.MapDelete(m.fd, addressOf(&key)); err != nil {
		return m.fail(opDelete, err)
	}
	return nil
}

// HashMap is a Hash, LRUHash or RHash, or one of the maps of devices and
// CPUs that behave the same, DevMap, DevMapHash and CPUMap, or a StackTrace.
type HashMap[K, V any] struct {
	*Map
	elements *elements
}

func (v *HashMap[K, V]) bindMap(m *Map) error {
	e, err := bindElements[K, V](m, "HashMap", Hash, LRUHash, RHash, StackTrace, DevMap, DevMapHash, CPUMap)
	*v = HashMap[K, V]{m, e}
	return err
}

// Get is the value of a key. It wraps ErrKeyNotExist if there is none; that
// allocates nothing either.
func (v HashMap[K, V]) Get(key K) (V, error) {
	return getElement[K, V](v.Map, v.elements, key)
}

// Set makes or replaces an element.
func (v HashMap[K, V]) Set(key K, value V) error {
	return setElement(v.Map, v.elements, key, value, UpdateAny)
}

// Insert makes an element. It wraps ErrKeyExist if the key is there already.
func (v HashMap[K, V]) Insert(key K, value V) error {
	return setElement(v.Map, v.elements, key, value, UpdateNoExist)
}

// Replace changes an element. It wraps ErrKeyNotExist if there is none.
func (v HashMap[K, V]) Replace(key K, value V) error {
	return setElement(v.Map, v.elements, key, value, UpdateExist)
}

// Delete removes an element. It wraps ErrKeyNotExist if there is none.
func (v HashMap[K, V]) Delete(key K) error { return deleteElement(v.Map, v.elements, key) }

// Take is Get that removes the element. Needs 5.14.
func (v HashMap[K, V]) Take(key K) (V, error) {
	return takeElement[K, V](v.Map, v.elements, key)
}

// Entries walks over all elements, many of them a system call (one by one before
// 5.6). While others change the map, elements may be seen twice or not at all.
//
// What ends the walk early, such as the map being closed, is put where failed
// points to, if that is given.
func (v HashMap[K, V]) Entries(failed ...*error) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { walk(v.Map, v.elements, failed, yield) }
}

// ArrayMap is an Array: K is uint32, or an enum of that size. All elements are
// always there, zero at first.
type ArrayMap[K, V any] struct {
	*Map
	elements *elements
}

func (v *ArrayMap[K, V]) bindMap(m *Map) error {
	e, err := bindElements[K, V](m, "ArrayMap", Array)
	*v = ArrayMap[K, V]{m, e}
	return err
}

// Get is the element at an index. It wraps ErrKeyNotExist if the array ends
// before that.
func (v ArrayMap[K, V]) Get(index K) (V, error) {
	return getElement[K, V](v.Map, v.elements, index)
}

// Set changes the element at an index.
func (v ArrayMap[K, V]) Set(index K, value V) error {
	return setElement(v.Map, v.elements, index, value, UpdateAny)
}

// Len is the number of elements.
func (v ArrayMap[K, V]) Len() int { return int(v.maxEntries) }

// Entries walks over all elements, as HashMap.Entries does.
func (v ArrayMap[K, V]) Entries(failed ...*error) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { walk(v.Map, v.elements, failed, yield) }
}

// LPMTrieMap is an LPMTrie: K is a struct whose first member is the length of
// the prefix in bits, a uint32, followed by the bytes of the prefix, as in C.
type LPMTrieMap[K, V any] struct {
	*Map
	elements *elements
}

func (v *LPMTrieMap[K, V]) bindMap(m *Map) error {
	e, err := bindElements[K, V](m, "LPMTrieMap", LPMTrie)
	*v = LPMTrieMap[K, V]{m, e}
	return err
}

// Get is the value of the longest prefix that key begins with: give an address
// with its full length. It wraps ErrKeyNotExist if there is none.
func (v LPMTrieMap[K, V]) Get(key K) (V, error) {
	return getElement[K, V](v.Map, v.elements, key)
}

// Set makes or replaces the value of a prefix.
func (v LPMTrieMap[K, V]) Set(prefix K, value V) error {
	return setElement(v.Map, v.elements, prefix, value, UpdateAny)
}

// Delete removes a prefix, which has to be there with this length. It wraps
// ErrKeyNotExist if it isn't.
func (v LPMTrieMap[K, V]) Delete(prefix K) error { return deleteElement(v.Map, v.elements, prefix) }

// Entries walks over all prefixes one by one, else as HashMap.Entries does: when
// the one it is at gets deleted, it starts over. Needs 4.16.
func (v LPMTrieMap[K, V]) Entries(failed ...*error) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { walk(v.Map, v.elements, failed, yield) }
}
