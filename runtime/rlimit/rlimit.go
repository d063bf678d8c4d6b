// Package rlimit lifts the resource limit that keeps old kernels from making
// maps and programs.
package rlimit

import "github.com/bpfgen/bpfgen/internal/kernel"

// RemoveMemlock raises RLIMIT_MEMLOCK of this process to infinity if the kernel
// counts BPF memory against it. Linux 5.11 and newer don't: on them it does
// nothing. On older ones it needs CAP_SYS_RESOURCE, and changes a limit that
// the whole process and its children share: call it once, in main.
//
// Who doesn't call it gets the same, late: after such a kernel has refused to
// make a map or to load a program, the limit is raised and it is tried again.
func RemoveMemlock() error { return kernel.RemoveMemlock() }
