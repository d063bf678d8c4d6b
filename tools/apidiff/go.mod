// A module of its own, so that ebpf-go never enters bpfgen's module graph.
module github.com/bpfgen/bpfgen/tools/apidiff

go 1.25.0

replace github.com/bpfgen/bpfgen => ../..

require (
	github.com/bpfgen/bpfgen v0.0.0-00010101000000-000000000000
	github.com/cilium/ebpf v0.22.0
	golang.org/x/tools v0.49.0
)

require (
	golang.org/x/mod v0.40.0 // indirect
	golang.org/x/sync v0.22.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)
