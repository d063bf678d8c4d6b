package kernel

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/uapi"
)

func TestErrorNamesTheCommandAndMatches(t *testing.T) {
	for _, test := range []struct {
		err    error
		text   string
		target error
	}{
		{failed(CmdMapCreate, unix.EPERM), "BPF_MAP_CREATE: operation not permitted", unix.EPERM},
		{failed(CmdMapCreate, unix.EPERM), "BPF_MAP_CREATE: operation not permitted", fs.ErrPermission},
		{failed(CmdObjGet, unix.ENOENT), "BPF_OBJ_GET: no such file or directory", fs.ErrNotExist},
		{failed(CmdMapLookupElem, unix.ENOENT), "BPF_MAP_LOOKUP_ELEM: no such file or directory", fs.ErrNotExist},
		{failed(CmdMapUpdateElem, unix.EEXIST), "BPF_MAP_UPDATE_ELEM: file exists", fs.ErrExist},
		{failed(CmdLinkCreate, ENOTSUPP), "BPF_LINK_CREATE: operation not supported (ENOTSUPP)", errors.ErrUnsupported},
		{failed(CmdLinkCreate, unix.EOPNOTSUPP), "BPF_LINK_CREATE: operation not supported", errors.ErrUnsupported},
		{failed(Cmd(99), unix.EINVAL), "bpf command 99: invalid argument", unix.EINVAL},
	} {
		if test.err.Error() != test.text {
			t.Errorf("got %q, want %q", test.err, test.text)
		}
		if !errors.Is(test.err, test.target) {
			t.Errorf("%v doesn't match %v", test.err, test.target)
		}
		if Errno(test.err) == 0 {
			t.Errorf("%v has no errno", test.err)
		}
	}
	if Errno(nil) != 0 || Errno(os.ErrClosed) != 0 {
		t.Error("found an errno where there is none")
	}
}

func TestEveryCommandHasAName(t *testing.T) {
	for cmd := range CmdProgStreamReadByFD + 1 {
		if !strings.HasPrefix(cmd.String(), "BPF_") {
			t.Errorf("command %d is called %q", uint32(cmd), cmd)
		}
	}
}

func TestMissesDoNotAllocate(t *testing.T) {
	n := testing.AllocsPerRun(100, func() {
		err := failed(CmdMapLookupElem, unix.ENOENT)
		if Errno(err) != unix.ENOENT {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestObjName(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"events":               "events",
		".rodata.str1.1":       ".rodata.str1.1",
		"exactly_15_byte":      "exactly_15_byte",
		"a_name_that_is_long_": "a_name_that_is_",
		"snoop.b pf-c":         "snoop.b_pf_c",
		"größe":                "gr____e",
		"nul\x00inside":        "nul_inside",
	} {
		if got := NewObjName(in).String(); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestParseRelease(t *testing.T) {
	for release, want := range map[string]uapi.KernelVersion{
		"6.18.44-fc-v669":  {Major: 6, Minor: 18},
		"5.4.0-12-generic": {Major: 5, Minor: 4},
		"6.1":              {Major: 6, Minor: 1},
		"7.0-rc1":          {Major: 7, Minor: 0},
		"4.19.0-27-amd64":  {Major: 4, Minor: 19},
		"6.6.87.2-WSL2":    {Major: 6, Minor: 6},
		"5.15+":            {Major: 5, Minor: 15},
	} {
		got, err := parseRelease(release)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v", release, got, err)
		}
	}
	for _, release := range []string{"", "linux", "6", "6.x", "300.1", ".1"} {
		if got, err := parseRelease(release); err == nil {
			t.Errorf("%q: got %v, want an error", release, got)
		}
	}
}

func TestVersionCode(t *testing.T) {
	for _, test := range []struct {
		release, version, signature string
		want                        uint32
	}{
		{"4.14.128", "#1 SMP", "", 4<<16 | 14<<8 | 128},
		{"4.9.337-generic", "#1 SMP", "", 4<<16 | 9<<8 | 255},
		{"4.19.0-26-amd64", "#1 SMP Debian 4.19.304-1 (2024-01-09)", "", 4<<16 | 19<<8 | 255},
		{"4.15.0-76-generic", "#86-Ubuntu SMP", "Ubuntu 4.15.0-76.86-generic 4.15.18\n", 4<<16 | 15<<8 | 18},
		{"5.0", "", "", 5 << 16},
	} {
		got, err := versionCode(test.release, test.version, test.signature)
		if err != nil || got != test.want {
			t.Errorf("%+v: got %#x, %v", test, got, err)
		}
	}
	if _, err := versionCode("linux", "", ""); err == nil {
		t.Error("no error for nonsense")
	}
}

func TestParseCPUs(t *testing.T) {
	for list, want := range map[string][]int{
		"0":       {0},
		"0-3":     {0, 1, 2, 3},
		"0-1,4,6": {0, 1, 4, 6},
	} {
		got, err := parseCPUs(list)
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %v, %v", list, got, err)
		}
	}
	for _, list := range []string{"", "-", "1-", "3-1", "0,0", "2,1", "x", "0-99999999", "0,", "-1"} {
		if got, err := parseCPUs(list); err == nil {
			t.Errorf("%q: got %v, want an error", list, got)
		}
	}
}

func FuzzParseCPUs(f *testing.F) {
	for _, seed := range []string{"0-3,8", "", "0-65535", "1-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		cpus, err := parseCPUs(list)
		if err == nil && (len(cpus) == 0 || cpus[len(cpus)-1] >= maxCPUs) {
			t.Errorf("%q: %d CPUs", list, len(cpus))
		}
	})
}

const (
	statusRoot    = "Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n"
	statusNobody  = "Name:\tx\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nSeccomp:\t0\n"
	statusBPFOnly = "Name:\tx\nCapEff:\t0000008000000000\nSeccomp:\t2\n"
	initialUserNS = "         0          0 4294967295\n"
)

func TestPermissionIsExplained(t *testing.T) {
	eperm := failed(CmdProgLoad, unix.EPERM)
	newKernel := func(uapi.KernelVersion) bool { return true }
	oldKernel := func(v uapi.KernelVersion) bool { return v.Less(uapi.KernelVersion{Major: 5, Minor: 5}) }
	for name, test := range map[string]struct {
		in   circumstances
		need []Capability
		want string
	}{
		"unprivileged": {
			circumstances{version: newKernel, status: statusNobody, uidMap: initialUserNS},
			[]Capability{CapBPF, CapNetAdmin},
			"BPF_PROG_LOAD: operation not permitted: needs CAP_BPF (or CAP_SYS_ADMIN) and CAP_NET_ADMIN",
		},
		"old kernel knows no CAP_BPF": {
			circumstances{version: oldKernel, status: statusNobody, uidMap: initialUserNS, memlockUnlimited: true},
			[]Capability{CapBPF, CapPerfmon},
			"BPF_PROG_LOAD: operation not permitted: needs CAP_SYS_ADMIN",
		},
		"one of two": {
			circumstances{version: newKernel, status: statusBPFOnly, uidMap: initialUserNS},
			[]Capability{CapBPF, CapPerfmon},
			"BPF_PROG_LOAD: operation not permitted: needs CAP_PERFMON (or CAP_SYS_ADMIN); a seccomp filter is active and may forbid it (container runtimes set one)",
		},
		"sysctl": {
			circumstances{version: newKernel, status: statusNobody, uidMap: initialUserNS, unprivileged: "2"},
			nil,
			"BPF_PROG_LOAD: operation not permitted: sysctl kernel.unprivileged_bpf_disabled=2 keeps BPF from unprivileged users",
		},
		"sysctl, for what it allows": {
			circumstances{version: newKernel, status: statusNobody, uidMap: initialUserNS, unprivileged: "1"},
			[]Capability{CapBPF},
			"BPF_PROG_LOAD: operation not permitted: needs CAP_BPF (or CAP_SYS_ADMIN); sysctl kernel.unprivileged_bpf_disabled=1 keeps BPF from unprivileged users",
		},
		"security module": {
			circumstances{version: newKernel, status: statusRoot, uidMap: initialUserNS, modules: "lockdown,capability,yama,apparmor,bpf"},
			[]Capability{CapBPF},
			"BPF_PROG_LOAD: operation not permitted: the policy of a security module may forbid it (apparmor, bpf in /sys/kernel/security/lsm; see the audit log)",
		},
		"lockdown": {
			circumstances{version: newKernel, status: statusRoot, uidMap: initialUserNS, lockdown: "none integrity [confidentiality]"},
			[]Capability{CapBPF},
			"BPF_PROG_LOAD: operation not permitted: kernel lockdown is on (none integrity [confidentiality] in /sys/kernel/security/lockdown)",
		},
		"user namespace": {
			circumstances{version: newKernel, status: statusRoot, uidMap: "0 100000 65536"},
			[]Capability{CapBPF},
			"BPF_PROG_LOAD: operation not permitted: the process is in a user namespace, where capabilities don't count for BPF: run it in the initial one, or use a BPF token (kernel 6.9, CollectionOptions.TokenPath)",
		},
		"memlock": {
			circumstances{version: oldKernel, status: statusRoot, uidMap: initialUserNS},
			[]Capability{CapBPF},
			"BPF_PROG_LOAD: operation not permitted: RLIMIT_MEMLOCK may be too low: call rlimit.RemoveMemlock, or run ulimit -l unlimited",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.in.explain(eperm, test.need)
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Error(diff)
			}
			if !errors.Is(err, unix.EPERM) {
				t.Error("isn't EPERM any more")
			}
		})
	}
}

func TestOnlyPermissionIsExplained(t *testing.T) {
	err := failed(CmdProgLoad, unix.EINVAL)
	if got := ExplainPermission(err, CapBPF); got != err {
		t.Errorf("got %v", got)
	}
	if got := ExplainPermission(nil, CapBPF); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestEventNamesAreNoPaths(t *testing.T) {
	for _, name := range []string{"", "..", "a/b", "a.b", "a b"} {
		if _, err := (&Tracefs{}).TracepointID("sched", name); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
