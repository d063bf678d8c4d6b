package kernel

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/files"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// Capability is a capability of Linux that BPF asks for.
type Capability uint8

// The capabilities that BPF asks for.
const (
	CapNetAdmin    Capability = unix.CAP_NET_ADMIN
	CapSysAdmin    Capability = unix.CAP_SYS_ADMIN
	CapSysResource Capability = unix.CAP_SYS_RESOURCE
	CapPerfmon     Capability = unix.CAP_PERFMON // since 5.8
	CapBPF         Capability = unix.CAP_BPF     // since 5.8
)

// String is the name in capabilities(7).
func (c Capability) String() string {
	switch c {
	case CapNetAdmin:
		return "CAP_NET_ADMIN"
	case CapSysAdmin:
		return "CAP_SYS_ADMIN"
	case CapSysResource:
		return "CAP_SYS_RESOURCE"
	case CapPerfmon:
		return "CAP_PERFMON"
	case CapBPF:
		return "CAP_BPF"
	default:
		return "capability " + strconv.Itoa(int(c))
	}
}

// PermissionError adds to EPERM or EACCES what this process lacks. It unwraps
// to the error of the kernel.
type PermissionError struct {
	Err     error
	Missing []Capability // sorted as asked for
	Notes   []string     // other circumstances that can be the reason
}

// Error is the kernel's error and what would help.
func (e *PermissionError) Error() string {
	var b strings.Builder
	b.WriteString(e.Err.Error())
	separator := ": "
	if len(e.Missing) > 0 {
		b.WriteString(separator + "needs " + joinCapabilities(e.Missing))
		separator = "; "
	}
	for _, note := range e.Notes {
		b.WriteString(separator + note)
		separator = "; "
	}
	return b.String()
}

// Unwrap is the kernel's error.
func (e *PermissionError) Unwrap() error { return e.Err }

func joinCapabilities(caps []Capability) string {
	var names []string
	for _, c := range caps {
		name := c.String()
		if c == CapBPF || c == CapPerfmon {
			name += " (or CAP_SYS_ADMIN)"
		}
		names = append(names, name)
	}
	return strings.Join(names, " and ")
}

// ExplainPermission looks for the reason if the kernel refused something for
// lack of permission; other errors come back as they are. Need is what the
// operation asks for, by the rules of kernel 5.8 and newer. It reads files
// under /proc and /sys, so call it after an error and never before.
func ExplainPermission(err error, need ...Capability) error {
	if errno := Errno(err); errno != unix.EPERM && errno != unix.EACCES {
		return err
	}
	explained := circumstances{
		version:          AtLeast,
		status:           readText("/proc/thread-self/status"),
		uidMap:           readText("/proc/self/uid_map"),
		unprivileged:     readText("/proc/sys/kernel/unprivileged_bpf_disabled"),
		lockdown:         readText("/sys/kernel/security/lockdown"),
		modules:          readText("/sys/kernel/security/lsm"),
		memlockUnlimited: memlockUnlimited(),
	}.explain(err, need)
	if len(explained.Missing) == 0 && len(explained.Notes) == 0 {
		return err
	}
	return explained
}

// circumstances is all that an explanation is made from.
type circumstances struct {
	version          func(uapi.KernelVersion) bool
	status           string // /proc/thread-self/status
	uidMap           string // /proc/self/uid_map
	unprivileged     string // sysctl kernel.unprivileged_bpf_disabled
	lockdown         string // e.g. "none [integrity] confidentiality"
	modules          string // of Linux security, e.g. "capability,yama,selinux,bpf"
	memlockUnlimited bool
}

func (c circumstances) explain(err error, need []Capability) *PermissionError {
	e := &PermissionError{Err: err}
	effective, known := effectiveCapabilities(c.status)
	if known {
		e.Missing = missing(effective, need, c.version(uapi.KernelVersion{Major: 5, Minor: 8}))
	}
	simple := len(need) == 0 || len(need) == 1 && need[0] == CapBPF // what anybody may have if the sysctl is 0
	if simple && known && effective&(1<<CapSysAdmin|1<<CapBPF) == 0 && c.unprivileged != "" && c.unprivileged != "0" {
		e.Notes = append(e.Notes, "sysctl kernel.unprivileged_bpf_disabled="+c.unprivileged+" keeps BPF from unprivileged users")
	}
	if len(e.Missing) == 0 && c.uidMap != "" && !isInitialUserNamespace(c.uidMap) {
		e.Notes = append(e.Notes, "the process is in a user namespace, where capabilities don't count for BPF: run it in the initial one, or use a BPF token (kernel 6.9, CollectionOptions.TokenPath)")
	}
	if strings.Contains(c.lockdown, "[integrity]") || strings.Contains(c.lockdown, "[confidentiality]") {
		e.Notes = append(e.Notes, "kernel lockdown is on ("+c.lockdown+" in /sys/kernel/security/lockdown)")
	}
	if len(e.Missing) == 0 && !c.memlockUnlimited && !c.version(memcgAccounting) {
		e.Notes = append(e.Notes, "RLIMIT_MEMLOCK may be too low: call rlimit.RemoveMemlock, or run ulimit -l unlimited")
	}
	if statusField(c.status, "Seccomp") == "2" {
		e.Notes = append(e.Notes, "a seccomp filter is active and may forbid it (container runtimes set one)")
	}
	if modules := c.policies(); len(e.Missing) == 0 && modules != "" {
		e.Notes = append(e.Notes, "the policy of a security module may forbid it ("+modules+" in /sys/kernel/security/lsm; see the audit log)")
	}
	return e
}

// policies are the active security modules that have policies about BPF.
func (c circumstances) policies() string {
	var names []string
	for name := range strings.SplitSeq(c.modules, ",") {
		switch name {
		case "selinux", "apparmor", "smack", "tomoyo", "bpf":
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// missing are the capabilities in need that aren't effective. CAP_SYS_ADMIN
// stands in for CAP_BPF and CAP_PERFMON, and is the only way before they existed.
func missing(effective uint64, need []Capability, split bool) []Capability {
	has := func(c Capability) bool { return effective&(1<<c) != 0 }
	var lacking []Capability
	for _, c := range need {
		general := c == CapBPF || c == CapPerfmon
		switch {
		case has(c), general && has(CapSysAdmin):
			continue
		case general && !split:
			c = CapSysAdmin
		}
		if len(lacking) == 0 || lacking[len(lacking)-1] != c {
			lacking = append(lacking, c)
		}
	}
	return lacking
}

// effectiveCapabilities reads CapEff out of /proc/thread-self/status.
func effectiveCapabilities(status string) (uint64, bool) {
	set, err := strconv.ParseUint(statusField(status, "CapEff"), 16, 64)
	return set, err == nil
}

// statusField is the value of a line "name:\tvalue".
func statusField(status, name string) string {
	for line := range strings.Lines(status) {
		if key, value, _ := strings.Cut(line, ":"); key == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// isInitialUserNamespace tells by the identity mapping of all user IDs.
func isInitialUserNamespace(uidMap string) bool {
	fields := strings.Fields(uidMap)
	return len(fields) == 3 && fields[0] == "0" && fields[1] == "0" && fields[2] == "4294967295"
}

// readText is a small file without its last newline, or "" if there is none.
func readText(file string) string {
	text, err := files.Read(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
