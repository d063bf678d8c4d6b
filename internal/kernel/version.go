package kernel

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/files"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// Version is the running kernel's release.
func Version() (uapi.KernelVersion, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return uapi.KernelVersion{}, fmt.Errorf("uname: %w", err)
	}
	return parseRelease(GoString(uts.Release[:]))
}

// AtLeast tells whether the running kernel is version v or newer. A kernel
// whose version can't be told counts as new: what it refuses, it refuses itself.
func AtLeast(v uapi.KernelVersion) bool {
	running, err := Version()
	return err != nil || !running.Less(v)
}

// parseRelease reads the start of a release such as "6.18.44-generic".
func parseRelease(release string) (uapi.KernelVersion, error) {
	major, rest, _ := strings.Cut(release, ".")
	minor := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	a, errMajor := strconv.ParseUint(major, 10, 8)
	b, errMinor := strconv.ParseUint(minor, 10, 8)
	if errMajor != nil || errMinor != nil {
		return uapi.KernelVersion{}, fmt.Errorf("kernel release %q: want MAJOR.MINOR", release)
	}
	return uapi.KernelVersion{Major: uint8(a), Minor: uint8(b)}, nil
}

// VersionCode is LINUX_VERSION_CODE of the running kernel, which kernels before
// 5.0 want kprobe programs to carry. Debian and Ubuntu report a release that
// isn't it, and tell the real one elsewhere.
func VersionCode() (uint32, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return 0, fmt.Errorf("uname: %w", err)
	}
	signature, _ := files.Read("/proc/version_signature") // Ubuntu only
	return versionCode(GoString(uts.Release[:]), GoString(uts.Version[:]), string(signature))
}

// versionCode picks the number of the real release out of what distributions say:
// Ubuntu's signature "Ubuntu 5.4.0-12.15-generic 5.4.8" ends with it, Debian's
// uname version "#1 SMP Debian 4.19.304-1" has it after its name.
func versionCode(release, version, signature string) (uint32, error) {
	if fields := strings.Fields(signature); len(fields) == 3 {
		release = fields[2]
	} else if _, debian, ok := strings.Cut(version, "Debian "); ok {
		release = debian
	}
	var n [3]uint64
	for i, part := range strings.SplitN(release, ".", 3) {
		digits := part[:len(part)-len(strings.TrimLeft(part, "0123456789"))]
		v, err := strconv.ParseUint(digits, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("kernel release %q: %w", release, err)
		}
		n[i] = v
	}
	return uint32(n[0]<<16 | n[1]<<8 | min(n[2], 255)), nil
}
