// Package uapi holds the numbers and names of the kernel's BPF interface as
// tables: map, program and attach types with the names that different worlds
// have for them and the kernel that has them first, and the flags that an
// object file implies. It knows no system call.
package uapi

import (
	"fmt"
	"strconv"
	"strings"
)

// KernelVersion is a mainline release, without its patch level.
type KernelVersion struct{ Major, Minor uint8 }

// String is the version as people write it ("5.8"), or "unknown".
func (v KernelVersion) String() string {
	if v == (KernelVersion{}) {
		return "unknown"
	}
	return strconv.Itoa(int(v.Major)) + "." + strconv.Itoa(int(v.Minor))
}

// ParseKernelVersion reads "5.8". What follows the minor version after a dot or
// a dash, as in "5.8.0-rc1", is left out.
func ParseKernelVersion(s string) (KernelVersion, error) {
	major, rest, ok := strings.Cut(s, ".")
	minor := rest
	if i := strings.IndexAny(rest, ".-"); i >= 0 {
		minor = rest[:i]
	}
	a, errMajor := strconv.ParseUint(major, 10, 8)
	b, errMinor := strconv.ParseUint(minor, 10, 8)
	if !ok || errMajor != nil || errMinor != nil {
		return KernelVersion{}, fmt.Errorf("%q is no kernel version: it has a major and a minor number, as in 5.15", s)
	}
	return KernelVersion{uint8(a), uint8(b)}, nil
}

// MarshalText is String.
func (v KernelVersion) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (v *KernelVersion) UnmarshalText(text []byte) (err error) {
	if string(text) == (KernelVersion{}).String() {
		*v = KernelVersion{}
		return nil
	}
	*v, err = ParseKernelVersion(string(text))
	return err
}

// Less tells whether v is older than w.
func (v KernelVersion) Less(w KernelVersion) bool {
	return v.Major < w.Major || v.Major == w.Major && v.Minor < w.Minor
}

// Pinning is libbpf's enum libbpf_pin_type: whether a map outlives its process
// as a file in a BPF file system.
type Pinning uint32

// The ways of pinning that a map definition can ask for.
const (
	PinNone   Pinning = iota // not pinned
	PinByName                // pinned under the map's own name
)

// String is the name that the Go API has for p.
func (p Pinning) String() string {
	switch p {
	case PinNone:
		return "PinNone"
	case PinByName:
		return "PinByName"
	default:
		return "PinType(" + strconv.Itoa(int(p)) + ")"
	}
}

// row is what is known about one value of an enumeration.
type row struct {
	uapi   string // the constant in linux/bpf.h
	name   string // the name in the Go API
	libbpf string // the name libbpf and bpftool print
	since  KernelVersion
}

func find(rows []row, v uint32) row {
	if uint64(v) >= uint64(len(rows)) {
		return row{}
	}
	return rows[v]
}

func goName(rows []row, v uint32, kind string) string {
	if r := find(rows, v); r.name != "" {
		return r.name
	}
	return kind + "(" + strconv.FormatUint(uint64(v), 10) + ")"
}
