module github.com/bpfgen/bpfgen/benchmarks

go 1.25.0

require (
	github.com/bpfgen/bpfgen v0.0.0
	github.com/cilium/ebpf v0.22.0
	golang.org/x/sys v0.47.0
)

replace github.com/bpfgen/bpfgen => ../

tool github.com/cilium/ebpf/cmd/bpf2go
