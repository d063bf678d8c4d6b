// Command apidiff compares the exported identifiers of ebpf-go's packages with
// those of bpfgen's runtime and writes docs/ebpf-go.md.
//
//	apidiff [-check] [-reasons FILE] [-out FILE]
//
// Both sides are type-checked for Linux. Signatures are compared without
// parameter names and without the module's path. What is different or absent on
// purpose has its reason in reasons.txt; a reason that no identifier needs any
// more is an error, so the file can't rot.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
)

// compared are the packages of ebpf-go, by their path under each module's root.
var compared = []string{"", "asm", "btf", "link", "ringbuf", "perf", "features", "rlimit", "pin"}

const (
	theirModule = "github.com/cilium/ebpf"
	ourRoot     = "github.com/bpfgen/bpfgen/runtime"
)

func main() {
	check := flag.Bool("check", false, "fail if the file is not what would be written")
	out := flag.String("out", "../../docs/ebpf-go.md", "file to write")
	reasons := flag.String("reasons", "reasons.txt", "reasons for what is different or absent")
	flag.Parse()
	if err := run(*out, *reasons, *check); err != nil {
		fmt.Fprintln(os.Stderr, "apidiff:", err)
		os.Exit(1)
	}
}

func run(out, reasonsFile string, check bool) error {
	theirs, version, err := loadSide(theirModule)
	if err != nil {
		return err
	}
	ours, _, err := loadSide(ourRoot)
	if err != nil {
		return err
	}
	why, err := readReasons(reasonsFile)
	if err != nil {
		return err
	}
	var rows []row
	for _, sub := range compared {
		rows = append(rows, comparePackage(sub, theirs, ours)...)
	}
	if err := why.apply(rows); err != nil {
		return err
	}
	page := render(rows, version)
	if !check {
		return os.WriteFile(out, page, 0o644)
	}
	old, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	if !bytes.Equal(old, page) {
		return fmt.Errorf("%s is not current: run make api and commit it", out)
	}
	return nil
}
