package codegen

import (
	"encoding/binary"
	"fmt"
	"go/build/constraint"
	"runtime"
	"slices"
	"strings"
)

// goArch is one row: how a GOARCH maps to what clang and libbpf's headers call it.
type goArch struct {
	name  string // GOARCH
	clang string // clang's -target
	macro string // the xyz of __TARGET_ARCH_xyz; empty if <bpf/bpf_tracing.h> has no registers for it
}

// goArches returns every GOARCH that generated code is built for, sorted by name.
func goArches() []goArch {
	return []goArch{
		{"386", "bpfel", "x86"},
		{"amd64", "bpfel", "x86"},
		{"arm", "bpfel", "arm"},
		{"arm64", "bpfel", "arm64"},
		{"loong64", "bpfel", "loongarch"},
		{"mips", "bpfeb", "mips"},
		{"mips64", "bpfeb", ""},
		{"mips64le", "bpfel", ""},
		{"mipsle", "bpfel", ""},
		{"ppc64", "bpfeb", "powerpc"},
		{"ppc64le", "bpfel", "powerpc"},
		{"riscv64", "bpfel", "riscv"},
		{"s390x", "bpfeb", "s390"},
		{"wasm", "bpfel", ""},
	}
}

// Target is what one object is compiled for.
type Target struct {
	clang  string
	macro  string
	arches []string
}

// Clang returns the value of clang's -target option: bpf, bpfel or bpfeb.
func (t Target) Clang() string { return t.clang }

// byteOrder returns the byte order of objects, or nil for target bpf, which has
// that of the machine that compiles.
func (t Target) byteOrder() binary.ByteOrder {
	switch t.clang {
	case "bpfel":
		return binary.LittleEndian
	case "bpfeb":
		return binary.BigEndian
	}
	return nil
}

// Macro returns the suffix of the __TARGET_ARCH_ macro, or "" for a target
// that isn't tied to an architecture.
func (t Target) Macro() string { return t.macro }

// Suffix returns the part of output file names that tells targets apart.
//
// It never ends in a GOOS or GOARCH, which the go command would take for a
// build constraint.
func (t Target) Suffix() string {
	if t.macro == "" {
		return t.clang
	}
	return t.macro + "_" + t.clang
}

// Constraint returns the build constraint that selects this target's output,
// or nil if it builds everywhere, as it does for target bpf.
func (t Target) Constraint() constraint.Expr {
	var expr constraint.Expr
	for _, arch := range t.arches {
		tag := &constraint.TagExpr{Tag: arch}
		if expr == nil {
			expr = tag
			continue
		}
		expr = &constraint.OrExpr{X: expr, Y: tag}
	}
	return expr
}

// ParseTargets turns the comma-separated value of -target into targets:
// bpf, bpfel and bpfeb for objects that any architecture of that byte order can
// use, a GOARCH for one that may read that architecture's registers, native for
// the GOARCH bpfgen itself runs on.
//
// GOARCHes that share an object (386 and amd64) give one target. The order is
// that of the list.
func ParseTargets(list string) ([]Target, error) {
	var targets []Target
	for id := range strings.SplitSeq(list, ",") {
		target, err := findTarget(strings.TrimSpace(id))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(targets, func(t Target) bool { return t.Suffix() == target.Suffix() }) {
			continue
		}
		targets = append(targets, target)
	}
	return targets, nil
}

// TargetNames returns every name ParseTargets understands.
func TargetNames() []string {
	names := []string{"bpf", "bpfel", "bpfeb", "native"}
	for _, arch := range goArches() {
		if arch.macro != "" {
			names = append(names, arch.name)
		}
	}
	return names
}

func findTarget(id string) (Target, error) {
	switch id {
	case "bpf", "bpfel", "bpfeb":
		return Target{clang: id, arches: archesWhere(func(a goArch) bool { return a.clang == id })}, nil
	case "native":
		id = runtime.GOARCH
	}
	for _, arch := range goArches() {
		if arch.name != id || arch.macro == "" {
			continue
		}
		same := func(a goArch) bool { return a.clang == arch.clang && a.macro == arch.macro }
		return Target{clang: arch.clang, macro: arch.macro, arches: archesWhere(same)}, nil
	}
	return Target{}, fmt.Errorf("unknown target %q: it is one of %s", id, strings.Join(TargetNames(), ", "))
}

func archesWhere(match func(goArch) bool) []string {
	var names []string
	for _, arch := range goArches() {
		if match(arch) {
			names = append(names, arch.name)
		}
	}
	return names
}
