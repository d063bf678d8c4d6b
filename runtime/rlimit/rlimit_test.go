package rlimit

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

func TestRemoveMemlockChangesOnlyWhatItMust(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	var before, after unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &before); err != nil {
		t.Fatal(err)
	}
	if err := RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &after); err != nil {
		t.Fatal(err)
	}
	if kernel.AtLeast(uapi.KernelVersion{Major: 5, Minor: 11}) {
		if after != before {
			t.Errorf("limit went from %+v to %+v on a kernel that doesn't count", before, after)
		}
	} else if after.Cur != unix.RLIM_INFINITY {
		t.Errorf("limit is still %+v", after)
	}
}
