package codegen

import (
	"fmt"
	"strings"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// EventRequest says of what C type the events of a ring buffer or perf event
// array are, where C can't.
type EventRequest struct{ Map, C string }

// ParseEventRequest reads "map=type".
func ParseEventRequest(s string) (EventRequest, error) {
	name, typ, ok := strings.Cut(s, "=")
	if !ok || !isCName(name) || !isCName(typ) {
		return EventRequest{}, fmt.Errorf("%q is not of the form map=type, with names of C", s)
	}
	return EventRequest{name, typ}, nil
}

func isCName(s string) bool {
	return s != "" && s == identifierRunes(s) && strings.Trim(s, "0123456789") != ""
}

func (r EventRequest) String() string { return r.Map + "=" + r.C }

// typeEvents gives maps the values that requests, or declaration tags, say. Who
// asks on the command line wins.
func typeEvents(obj *object.Object, requests []EventRequest) error {
	for _, r := range requests {
		decl := mapNamed(obj, r.Map)
		if decl == nil {
			return fmt.Errorf("-event %s: the object has no map %s", r, r.Map)
		}
		decl.SetEvent(r.C)
	}
	for _, decl := range obj.Maps {
		name := decl.Event()
		if name == "" {
			continue
		}
		if decl.Type != uapi.MapTypeRingBuf && decl.Type != uapi.MapTypePerfEventArray && decl.Type != uapi.MapTypeUserRingbuf {
			return fmt.Errorf("map %s: its type is %s, which has no events", decl.Name, decl.Type)
		}
		typ, err := typeNamed(obj.Types, name)
		if err != nil {
			return fmt.Errorf("events of map %s: %w", decl.Name, err)
		}
		id, err := obj.Types.TypeID(typ)
		if err != nil {
			return fmt.Errorf("events of map %s: %w", decl.Name, err)
		}
		decl.Value = obj.Types.Ref(id)
	}
	return nil
}

func mapNamed(obj *object.Object, name string) *object.Map {
	for _, decl := range obj.Maps {
		if decl.Name == name {
			return decl
		}
	}
	return nil
}

// isEvent tells whether a type can be the value of a perf event array because it
// is that of its events: otherwise it is a descriptor.
func isEvent(decl *object.Map, value GoType) bool {
	if decl.Event() != "" {
		return true
	}
	typ, err := decl.Value.Type()
	return err == nil && isStruct(typ) && value.Size > 0
}

func isStruct(t btf.Type) bool {
	switch btf.UnderlyingType(t).(type) {
	case *btf.Struct, *btf.Union:
		return true
	}
	return false
}
