package kernel

import (
	"errors"
	"testing"
)

func TestOnlineEvent(t *testing.T) {
	for message, want := range map[string]int{
		"online@/devices/system/cpu/cpu3\x00ACTION=online\x00SUBSYSTEM=cpu\x00": 3,
		"online@/devices/system/cpu/cpu12":                                      12,
		"offline@/devices/system/cpu/cpu3\x00":                                  -1,
		"online@/devices/system/memory/memory3\x00":                             -1,
		"online@/devices/system/cpu/cpu\x00":                                    -1,
		"online@/devices/system/cpu/cpu99999999\x00":                            -1,
		"": -1,
	} {
		if cpu, ok := onlineEvent([]byte(message)); ok != (want >= 0) || ok && cpu != want {
			t.Errorf("%q: %d, %v", message, cpu, ok)
		}
	}
}

func TestWatchCPUs(t *testing.T) {
	w, err := WatchCPUs()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("needs messages about devices, which this process can't have")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer w.FD.Close()
	if cpu, err := w.Next(); err != nil || cpu != -1 {
		t.Errorf("CPU %d came online: %v", cpu, err)
	}
}
