package testutil

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// BPFFS is a folder with a BPF file system of the test's own.
func BPFFS(t testing.TB) string {
	t.Helper()
	Needs(t, BPF)
	dir := t.TempDir()
	if err := unix.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		t.Fatalf("mount a BPF file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// Cgroup is the folder of a new, empty control group (version 2), which goes
// away with the test.
func Cgroup(t testing.TB) string {
	t.Helper()
	Needs(t, CgroupSKB)
	dir, err := os.MkdirTemp(cgroupRoot(t), "bpfgen-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Errorf("remove control group: %v", err)
		}
	})
	return dir
}

// cgroupRoot is where the cgroup2 hierarchy is mounted; if nowhere, the test
// gets a mount of its own.
func cgroupRoot(t testing.TB) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[2] == "cgroup2" {
			return fields[1]
		}
	}
	dir := t.TempDir()
	if err := unix.Mount("cgroup2", dir, "cgroup2", 0, ""); err != nil {
		t.Fatalf("mount cgroup2: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}
