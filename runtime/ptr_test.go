package ebpf

import (
	"fmt"
	"testing"
)

func TestPtr(t *testing.T) {
	for ptr, want := range map[Ptr]string{0: "nil", 0xffff888000000010: "0xffff888000000010"} {
		if got := fmt.Sprint(ptr); got != want {
			t.Errorf("%#x prints as %q, want %q", uint64(ptr), got, want)
		}
	}
}
