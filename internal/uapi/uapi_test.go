package uapi

import "testing"

// The values are the kernel's ABI: a row inserted in the wrong place would
// shift everything after it, so a few far apart are pinned to their numbers.
func TestValuesAreTheKernels(t *testing.T) {
	for _, c := range []struct{ got, want uint32 }{
		{uint32(MapTypeHash), 1}, {uint32(MapTypeRingBuf), 27}, {uint32(MapTypeArena), 33}, {uint32(MapTypeInsnArray), 34},
		{uint32(ProgTypeXDP), 6}, {uint32(ProgTypeTracing), 26}, {uint32(ProgTypeNetfilter), 32},
		{uint32(AttachCGroupInetEgress), 1}, {uint32(AttachXDP), 37}, {uint32(AttachTraceUprobeMulti), 48},
		{uint32(AttachTraceUprobeSession), 57},
	} {
		if c.got != c.want {
			t.Errorf("got %d, want %d", c.got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{MapTypePerCPUHash.String(), "PerCPUHash"},
		{MapTypePerCPUHash.UAPI(), "BPF_MAP_TYPE_PERCPU_HASH"},
		{MapTypePerCPUHash.LibbpfName(), "percpu_hash"},
		{MapTypeUserRingbuf.MinKernel().String(), "6.1"},
		{MapType(4711).String(), "MapType(4711)"},
		{MapType(4711).MinKernel().String(), "unknown"},
		{ProgTypeSchedCLS.String(), "SchedCLS"},
		{ProgTypeSchedCLS.LibbpfName(), "sched_cls"},
		{ProgTypeExtension.UAPI(), "BPF_PROG_TYPE_EXT"},
		{ProgType(4711).String(), "ProgramType(4711)"},
		{AttachNone.String(), "None"},
		{AttachTraceFEntry.UAPI(), "BPF_TRACE_FENTRY"},
		{AttachTraceFEntry.MinKernel().String(), "5.5"},
		{PinByName.String(), "PinByName"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestEveryRowIsComplete(t *testing.T) {
	for name, rows := range map[string][]row{"map": mapTypes[:], "program": progTypes[:], "attach": attachTypes[:]} {
		for i, r := range rows {
			if r.uapi == "" || r.name == "" || r.libbpf == "" {
				t.Errorf("%s type %d: incomplete row %+v", name, i, r)
			}
			if r.since == (KernelVersion{}) && r.libbpf != "unspec" {
				t.Errorf("%s type %s: no minimum kernel", name, r.uapi)
			}
		}
	}
}

func TestKernelVersionOrder(t *testing.T) {
	if !(KernelVersion{4, 20}).Less(KernelVersion{5, 2}) || (KernelVersion{5, 2}).Less(KernelVersion{5, 2}) {
		t.Error("4.20 is older than 5.2, which is not older than itself")
	}
}
