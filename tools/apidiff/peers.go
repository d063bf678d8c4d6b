//go:build peers

// The packages that are compared, so that go.mod requires their modules.
package main

import (
	_ "github.com/bpfgen/bpfgen/runtime"
	_ "github.com/cilium/ebpf"
)
