package ebpf

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// makeMaps fills into with the named maps, and returns those that are new: not
// replaced, and not found where a pinned map should be.
func makeMaps(cs *CollectionSpec, names []string, types *typeInfo, opts *CollectionOptions, into map[string]*Map) ([]*Map, error) {
	var fresh []*Map
	for _, name := range names {
		spec := cs.Maps[name]
		m, err := existingMap(spec, opts.MapReplacements[name], opts.Maps)
		if err == nil && m == nil {
			if m, err = makeMap(spec, types); err == nil {
				fresh = append(fresh, m)
			}
		}
		if err != nil {
			return fresh, fmt.Errorf("map %q: %w", name, types.explain(err))
		}
		m.keyType, m.valueType = spec.Key, spec.Value
		into[name] = m
	}
	return fresh, nil
}

// existingMap is the map to use in place of a new one, nil if there is none.
func existingMap(spec *MapSpec, replacement *Map, opts MapOptions) (*Map, error) {
	if replacement != nil {
		return replacement.Clone()
	}
	if spec.Pinning == PinNone {
		return nil, nil
	}
	path, err := spec.pinPath(opts)
	if err != nil {
		return nil, err
	}
	m, err := LoadPinnedMap(path, &opts.LoadPinOptions)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := spec.Compatible(m); err != nil {
		m.Close()
		return nil, fmt.Errorf("use the map pinned at %s: %w", path, err)
	}
	return m, nil
}

func (ms *MapSpec) pinPath(opts MapOptions) (string, error) {
	switch {
	case ms.Pinning != PinByName:
		return "", fmt.Errorf("pin type %v: %w", ms.Pinning, ErrNotSupported)
	case ms.Name == "":
		return "", errors.New("a map without a name can't be pinned by name")
	case strings.Contains(ms.Name, "/") || ms.Name == "." || ms.Name == "..":
		// The name may be from anyone's object, the folder is the caller's.
		return "", fmt.Errorf("%q can't be the name of a file in the folder of pins: set MapSpec.Name, or pin the map with Map.Pin", ms.Name)
	}
	return strings.TrimRight(cmp.Or(opts.PinPath, defaultPinPath), "/") + "/" + ms.Name, nil
}

// defaultPinPath is where libbpf pins maps if nobody says otherwise.
const defaultPinPath = "/sys/fs/bpf"

// pinMaps pins new maps that ask for it. If somebody else was faster, theirs is
// used.
func pinMaps(cs *CollectionSpec, maps map[string]*Map, fresh []*Map, opts MapOptions) error {
	for _, name := range sortedKeys(maps) {
		spec, m := cs.Maps[name], maps[name]
		if spec.Pinning == PinNone || !slices.Contains(fresh, m) {
			continue
		}
		path, err := spec.pinPath(opts)
		if err != nil {
			return fmt.Errorf("map %q: %w", name, err)
		}
		err = m.Pin(path)
		if errors.Is(err, syscall.EEXIST) {
			theirs, loadErr := existingMap(spec, nil, opts)
			if loadErr == nil && theirs != nil {
				m.Close()
				maps[name], err = theirs, nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// takesTypes tells whether the kernel wants to know the types of key and value.
// Types of other maps are for people only.
func (ms *MapSpec) takesTypes() bool {
	switch ms.Type {
	case PerfEventArray, CGroupArray, StackTrace, ArrayOfMaps, HashOfMaps, DevMap, DevMapHash,
		CPUMap, XSKMap, SockMap, SockHash, Queue, Stack, RingBuf, UserRingbuf, Arena:
		return false
	}
	return ms.Value != nil && (ms.Key != nil || ms.data || ms.kconfig != nil || ms.KeySize == 0)
}

// asCreated is the spec with what the kernel insists on put right.
func (ms *MapSpec) asCreated() (*MapSpec, error) {
	spec := *ms
	switch ms.Type {
	case RingBuf, UserRingbuf:
		spec.KeySize, spec.ValueSize = 0, 0
		spec.MaxEntries = ringSize(ms.MaxEntries, uint32(os.Getpagesize()))
	case PerfEventArray:
		spec.KeySize, spec.ValueSize = 4, 4
		if ms.MaxEntries == 0 {
			cpus, err := kernel.PossibleCPUs()
			if err != nil {
				return nil, fmt.Errorf("number of CPUs: %w", err)
			}
			spec.MaxEntries = uint32(cpus)
		}
	case ProgramArray, CGroupArray, ArrayOfMaps, HashOfMaps:
		spec.ValueSize = orDefault(ms.ValueSize, 4)
		if ms.Type != HashOfMaps {
			spec.KeySize = orDefault(ms.KeySize, 4)
		}
	}
	return &spec, nil
}

func orDefault(v, def uint32) uint32 {
	if v == 0 {
		return def
	}
	return v
}

// ringSize rounds the size of a ring buffer up to a power of two pages.
func ringSize(size, page uint32) uint32 {
	if size == 0 || size > 1<<31 {
		return size // the kernel says what is wrong with that
	}
	return max(page, 1<<bits.Len32(size-1))
}

// makeMap makes a map in the kernel, without contents.
func makeMap(spec *MapSpec, types *typeInfo) (*Map, error) {
	want, err := spec.asCreated()
	if err != nil {
		return nil, err
	}
	inner, err := makeInnerMap(spec, types)
	if err != nil {
		return nil, err
	}
	defer inner.Close()
	attr := kernel.MapCreateAttr{
		MapType: uint32(want.Type), KeySize: want.KeySize, ValueSize: want.ValueSize, MaxEntries: want.MaxEntries,
		MapFlags: want.Flags, NumaNode: want.NumaNode, MapExtra: want.MapExtra,
		MapName: kernel.NewObjName(want.Name),
	}
	if inner != nil {
		attr.InnerMapFD = uint32(inner.FD())
	}
	if ids, ok := types.maps[spec]; ok && types.fd != nil {
		attr.BTFFD, attr.BTFKeyTypeID, attr.BTFValueTypeID = uint32(types.fd.Int()), uint32(ids.key), uint32(ids.value)
	}
	if err := types.describeStructOps(spec, &attr); err != nil {
		return nil, err
	}
	types.token.addToMap(&attr)
	fd, err := createMap(&attr, kernel.AtLeast)
	if err != nil {
		return nil, explainMap(want, &attr, err, types.token)
	}
	m, err := newMap(fd, want.Name, want.Type, want.KeySize, attr.ValueSize, attr.MaxEntries, attr.MapFlags&^uapi.MapFlagTokenFD)
	if err != nil {
		return nil, err
	}
	m.extra = want.MapExtra
	return m, nil
}

// makeInnerMap makes the map that a map of maps takes for a template; nil for
// other maps.
func makeInnerMap(spec *MapSpec, types *typeInfo) (*Map, error) {
	if !spec.Type.holdsMaps() {
		return nil, nil
	}
	if spec.InnerMap == nil {
		return nil, fmt.Errorf("a %s needs a template for its values: set MapSpec.InnerMap", spec.Type)
	}
	if spec.InnerMap.Type.holdsMaps() {
		return nil, errors.New("inner map: the kernel takes no map of maps in a map of maps")
	}
	inner, err := makeMap(spec.InnerMap, types)
	if err != nil {
		return nil, fmt.Errorf("inner map: %w", err)
	}
	return inner, nil
}

// mapConcession is what a map can do without on a kernel that doesn't know it.
type mapConcession struct {
	since uapi.KernelVersion
	give  func(*kernel.MapCreateAttr)
}

var mapConcessions = []mapConcession{
	{uapi.KernelVersion{Major: 5, Minor: 5}, func(a *kernel.MapCreateAttr) { a.MapFlags &^= uapi.MapFlagMmapable }},
	{uapi.KernelVersion{Major: 5, Minor: 2}, func(a *kernel.MapCreateAttr) { a.MapFlags &^= uapi.MapFlagRdonlyProg }},
	{uapi.KernelVersion{Major: 4, Minor: 15}, func(a *kernel.MapCreateAttr) { a.MapName = kernel.ObjName{} }},
}

// createMap asks for everything, and only if the kernel refuses for less: first
// without types, which some maps can't have, then without what is newer than
// the kernel or too large to be of use. It returns the first error if nothing helps.
func createMap(attr *kernel.MapCreateAttr, atLeast func(uapi.KernelVersion) bool) (*kernel.FD, error) {
	fd, first := kernel.MapCreate(attr)
	if first == nil || errors.Is(first, syscall.EPERM) {
		return fd, first
	}
	if attr.BTFFD != 0 {
		attr.BTFFD, attr.BTFKeyTypeID, attr.BTFValueTypeID = 0, 0, 0
		if fd, err := kernel.MapCreate(attr); err == nil {
			return fd, nil
		}
	}
	cpus, err := kernel.PossibleCPUs()
	if err != nil {
		return nil, first
	}
	lesser := lesserMap(*attr, uint32(cpus), atLeast)
	if lesser == *attr {
		return nil, first
	}
	if fd, err = kernel.MapCreate(&lesser); err != nil {
		return nil, first
	}
	*attr = lesser
	return fd, nil
}

// lesserMap is what a kernel may take that refused attr.
func lesserMap(attr kernel.MapCreateAttr, cpus uint32, atLeast func(uapi.KernelVersion) bool) kernel.MapCreateAttr {
	if MapType(attr.MapType) == PerfEventArray {
		attr.MaxEntries = min(attr.MaxEntries, cpus) // there are no events of other CPUs
	}
	for _, c := range mapConcessions {
		if !atLeast(c.since) {
			c.give(&attr)
		}
	}
	return attr
}

// explainMap adds what is wrong, and what can be done about it, to why a map
// can't be made.
func explainMap(spec *MapSpec, attr *kernel.MapCreateAttr, err error, t *token) error {
	since := uapi.MapType(spec.Type).MinKernel()
	errno := kernel.Errno(err)
	switch errno {
	case syscall.EPERM:
		return t.explainPermission(err, mapDelegation(spec.Type), mapCapabilities(spec.Type)...)
	case kernel.ENOTSUPP:
		return fmt.Errorf("%w: %w", err, ErrNotSupported)
	case syscall.EINVAL, syscall.E2BIG, syscall.ENOMEM:
	default:
		return err
	}
	if errno == syscall.EINVAL && !kernel.AtLeast(since) {
		return fmt.Errorf("%w: %w: maps of type %s need Linux %s", err, ErrNotSupported, spec.Type, since)
	}
	if link := (uapi.KernelVersion{Major: 6, Minor: 4}); spec.Type == StructOpsMap && spec.Flags&uapi.MapFlagLink != 0 && !kernel.AtLeast(link) {
		return fmt.Errorf(`%w: %w: SEC(".struct_ops.link") needs Linux %s, SEC(".struct_ops") doesn't`, err, ErrNotSupported, link)
	}
	if faults := spec.faults(attr); len(faults) > 0 {
		return fmt.Errorf("%w: %s", err, strings.Join(faults, "; "))
	}
	switch errno {
	case syscall.ENOMEM:
		return fmt.Errorf("%w: the kernel has no memory for such a map: %s", err, spec)
	case syscall.E2BIG:
		return fmt.Errorf("%w: the map is too big, or has attributes that this kernel doesn't know: %s", err, spec)
	}
	return fmt.Errorf("%w: the kernel takes no such map: %s", err, spec)
}

// fillTime says when contents go into a map.
type fillTime bool

// Program arrays wait until there are programs.
const (
	beforePrograms fillTime = false
	afterPrograms  fillTime = true
)

// fillMaps writes the contents of those fresh maps whose time has come.
func fillMaps(cs *CollectionSpec, coll *Collection, fresh []*Map, when fillTime) error {
	for _, name := range sortedKeys(coll.Maps) {
		spec, m := cs.Maps[name], coll.Maps[name]
		if spec.Type == StructOpsMap || spec.Type == Arena || (spec.Type == ProgramArray) != bool(when) || !slices.Contains(fresh, m) {
			continue
		}
		if err := cs.fillMap(spec, m, name, coll); err != nil {
			return fmt.Errorf("contents of map %q: %w", name, err)
		}
	}
	return nil
}

func (cs *CollectionSpec) fillMap(spec *MapSpec, m *Map, name string, coll *Collection) error {
	contents := spec.Contents
	if spec.data {
		data, err := cs.initialData(spec, name)
		if err != nil {
			return err
		}
		contents = nil
		if !isZero(data) {
			contents = []MapKV{{Key: uint32(0), Value: data}}
		}
	}
	for _, kv := range contents {
		value, err := coll.content(spec, kv.Value)
		if err != nil {
			return err
		}
		if err := m.Put(kv.Key, value); err != nil {
			return err
		}
	}
	if !spec.freeze {
		return nil
	}
	return freezeMap(m)
}

// freezeMap makes constants of a map. Kernels that can't only lose the verifier's
// knowledge of their values.
func freezeMap(m *Map) error {
	err := m.Freeze()
	if err != nil && !kernel.AtLeast(uapi.KernelVersion{Major: 5, Minor: 2}) {
		return nil
	}
	return err
}

// initialData is the contents of a data map, with the values of its variables.
func (cs *CollectionSpec) initialData(spec *MapSpec, name string) ([]byte, error) {
	data := spec.bytes()
	if spec.data && uint32(len(data)) != spec.ValueSize {
		data = append(slices.Clip(data), make([]byte, max(0, int(spec.ValueSize)-len(data)))...)
	}
	var stray []*VariableSpec
	for _, variable := range sortedKeys(cs.Variables) {
		if vs := cs.Variables[variable]; vs.SectionName == name && !vs.partOf(data) {
			stray = append(stray, vs)
		}
	}
	if len(stray) == 0 {
		return data, nil
	}
	data = slices.Clone(data)
	for _, vs := range stray {
		if err := vs.store(data); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func isZero(data []byte) bool {
	for _, b := range data {
		if b != 0 {
			return false
		}
	}
	return true
}

// content is what goes into a map for a value of a spec: the object itself
// where that is named.
func (coll *Collection) content(spec *MapSpec, value any) (any, error) {
	name, ok := value.(string)
	switch {
	case ok && spec.Type.holdsMaps():
		if m := coll.Maps[name]; m != nil {
			return m, nil
		}
		return nil, fmt.Errorf("map %q: %w", name, errNotThere)
	case ok && spec.Type == ProgramArray:
		if p := coll.Programs[name]; p != nil {
			return p, nil
		}
		return nil, fmt.Errorf("program %q: %w", name, errNotThere)
	}
	return value, nil
}

// mapCapabilities are what making maps of a type asks for.
func mapCapabilities(t MapType) []kernel.Capability {
	switch t {
	case DevMap, DevMapHash, XSKMap, SockMap, SockHash:
		return []kernel.Capability{kernel.CapBPF, kernel.CapNetAdmin}
	}
	return []kernel.Capability{kernel.CapBPF}
}
