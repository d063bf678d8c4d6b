package asm_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	. "github.com/bpfgen/bpfgen/runtime/asm"
)

// constants returns the names and values of the helpers' constants.
func constants(t *testing.T) map[string]BuiltinFunc {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "func_table.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	fns := make(map[string]BuiltinFunc)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Fn") {
			return true
		}
		value, err := strconv.Atoi(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		fns[spec.Names[0].Name] = BuiltinFunc(value)
		return false
	})
	return fns
}

// Constants and the table agree on names, and kernels never lost helpers.
func TestHelpers(t *testing.T) {
	fns := constants(t)
	if len(fns) != 212 {
		t.Fatalf("%d helpers, the UAPI has 212", len(fns))
	}
	previous := 0
	for i := range BuiltinFunc(len(fns)) {
		name := i.String()
		if value, ok := fns[name]; !ok || value != i {
			t.Errorf("helper %d is %s, which is %d", i, name, value)
		}
		major, minor := i.MinKernel()
		if version := major<<8 | minor; version < previous {
			t.Errorf("%s is of Linux %d.%d, before the one with a smaller number", name, major, minor)
		} else {
			previous = version
		}
	}
}

func TestHelper(t *testing.T) {
	for _, test := range []struct {
		fn           BuiltinFunc
		number       uint32
		name, c      string
		major, minor int
	}{
		{FnMapLookupElem, 1, "FnMapLookupElem", "bpf_map_lookup_elem", 3, 19},
		{FnProbeReadKernel, 113, "FnProbeReadKernel", "bpf_probe_read_kernel", 5, 5},
		{FnSkcToTcp6Sock, 136, "FnSkcToTcp6Sock", "bpf_skc_to_tcp6_sock", 5, 9},
		{FnRingbufReserve, 131, "FnRingbufReserve", "bpf_ringbuf_reserve", 5, 8},
		{FnCgrpStorageDelete, 211, "FnCgrpStorageDelete", "bpf_cgrp_storage_delete", 6, 2},
		{212, 212, "BuiltinFunc(212)", "", 0, 0},
		{1<<32 - 1, 1<<32 - 1, "BuiltinFunc(4294967295)", "", 0, 0},
	} {
		major, minor := test.fn.MinKernel()
		if uint32(test.fn) != test.number || test.fn.String() != test.name || test.fn.Name() != test.c || major != test.major || minor != test.minor {
			t.Errorf("%d is %v, %s, Linux %d.%d, want %+v", uint32(test.fn), test.fn, test.fn.Name(), major, minor, test)
		}
	}
	if fn, err := BuiltinFuncForPlatform("linux", 1000); fn != 1000 || err != nil {
		t.Errorf("unknown helper: %v, error %v", fn, err)
	}
	if _, err := BuiltinFuncForPlatform("windows", 1); err == nil {
		t.Error("another platform is no error")
	}
}
