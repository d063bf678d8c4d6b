package ebpf

import (
	"fmt"
	"syscall"
)

// ProgramArrayMap is a ProgramArray: the programs of tail calls, by an index or
// an enum.
type ProgramArrayMap[K any] struct {
	*Map
	elements *elements
}

func (v *ProgramArrayMap[K]) bindMap(m *Map) error {
	e, err := bindKey[K](m, "ProgramArrayMap", ProgramArray)
	*v = ProgramArrayMap[K]{m, e}
	return err
}

// Set makes tail calls to an index run a program. It must be of the type of those
// that make the call.
func (v ProgramArrayMap[K]) Set(index K, prog *Program) error {
	v.elements.key.clean(memoryAt(&index))
	return v.putFD(addressOf(&index), prog.descriptor(), true, UpdateAny)
}

// Delete makes tail calls to an index do nothing. It wraps ErrKeyNotExist if they
// do so already.
func (v ProgramArrayMap[K]) Delete(index K) error { return deleteElement(v.Map, v.elements, index) }

// ID is that of the program at an index. It wraps ErrKeyNotExist if there is none.
func (v ProgramArrayMap[K]) ID(index K) (ProgramID, error) {
	return getElement[K, ProgramID](v.Map, v.elements, index)
}

// MapOfMaps is an ArrayOfMaps or HashOfMaps: M is the view of the inner maps, for
// instance HashMap[uint32, uint64].
type MapOfMaps[K any, M innerMap] struct {
	*Map
	elements *elements
	bind     func(*Map) (M, error)
}

// innerMap is *Map, or a view of a map.
type innerMap interface {
	descriptorMap() *Map
}

func (m *Map) descriptorMap() *Map { return m }

func (v *MapOfMaps[K, M]) bindMap(m *Map) error {
	e, err := bindKey[K](m, "MapOfMaps", ArrayOfMaps, HashOfMaps)
	if err != nil {
		return err
	}
	*v = MapOfMaps[K, M]{m, e, innerView[M]}
	return nil
}

// innerView is a map as M.
func innerView[M innerMap](m *Map) (M, error) {
	var view M
	switch to := any(&view).(type) {
	case **Map:
		*to = m
	case mapView:
		if err := to.bindMap(m); err != nil {
			return view, fmt.Errorf("inner %w", err)
		}
	}
	return view, nil
}

// Set puts a map into the element of a key. The caller keeps its handle, and may
// close it.
func (v MapOfMaps[K, M]) Set(key K, inner M) error {
	v.elements.key.clean(memoryAt(&key))
	return v.putFD(addressOf(&key), inner.descriptorMap().descriptor(), true, UpdateAny)
}

// Get is a new handle of the map in an element, to be closed by the caller. It
// wraps ErrKeyNotExist if there is none. Needs CAP_SYS_ADMIN.
func (v MapOfMaps[K, M]) Get(key K) (inner M, err error) {
	id, err := getElement[K, MapID](v.Map, v.elements, key)
	if err != nil {
		return inner, err
	}
	m, err := NewMapFromID(id)
	if err != nil {
		return inner, &mapError{op: opLookup, name: v.name, raw: err}
	}
	if inner, err = innerView[M](m); err != nil {
		m.Close()
	}
	return inner, err
}

// Delete removes the map of a key. It wraps ErrKeyNotExist if there is none.
func (v MapOfMaps[K, M]) Delete(key K) error { return deleteElement(v.Map, v.elements, key) }

// SocketMap is a SockMap, SockHash, XSKMap, ReusePortSockArray or CGroupArray:
// what it holds is set by a descriptor.
type SocketMap[K any] struct {
	*Map
	elements *elements
}

func (v *SocketMap[K]) bindMap(m *Map) error {
	e, err := bindKey[K](m, "SocketMap", SockMap, SockHash, XSKMap, ReusePortSockArray, CGroupArray)
	*v = SocketMap[K]{m, e}
	return err
}

// Set puts the socket (or cgroup) of a descriptor into the element of a key. The
// caller keeps the descriptor.
func (v SocketMap[K]) Set(key K, fd int) error {
	if fd < 0 {
		return &mapError{op: opUpdate, name: v.name, raw: fmt.Errorf("value: descriptor %d: %w", fd, syscall.EBADF)}
	}
	v.elements.key.clean(memoryAt(&key))
	if v.value.size == 8 {
		value := uint64(fd)
		return v.kernelPut(addressOf(&key), addressOf(&value), UpdateAny)
	}
	value := uint32(fd)
	return v.kernelPut(addressOf(&key), addressOf(&value), UpdateAny)
}

// Delete removes the socket of a key. It wraps an error of the kernel if there is
// none.
func (v SocketMap[K]) Delete(key K) error { return deleteElement(v.Map, v.elements, key) }

// StorageMap is one of the local storages, of sockets, tasks, inodes or cgroups:
// SkStorage, TaskStorage, InodeStorage and CgroupStorage. A value belongs to an
// object, which a descriptor names: of tasks, a pidfd.
type StorageMap[V any] struct {
	*Map
	elements *elements
}

func (v *StorageMap[V]) bindMap(m *Map) error {
	e, err := bindValue[V](m, "StorageMap", SkStorage, TaskStorage, InodeStorage, CgroupStorage)
	*v = StorageMap[V]{m, e}
	return err
}

// Get is the value of the object that a descriptor names. It wraps
// ErrKeyNotExist if it has none.
func (v StorageMap[V]) Get(fd int) (V, error) {
	return getElement[int32, V](v.Map, v.elements, int32(fd))
}

// Set gives the object that a descriptor names a value.
func (v StorageMap[V]) Set(fd int, value V) error {
	return setElement(v.Map, v.elements, int32(fd), value, UpdateAny)
}

// Delete takes the value from the object that a descriptor names. It wraps
// ErrKeyNotExist if it has none.
func (v StorageMap[V]) Delete(fd int) error {
	return deleteElement(v.Map, v.elements, int32(fd))
}
