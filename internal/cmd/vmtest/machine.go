package main

import (
	"fmt"
	"strings"
)

// machine is one column of the table: an architecture and a series of kernels.
type machine struct {
	arch   string   // as Go and Debian call it
	series string   // "6.12", or "newest"
	suites []string // of Debian, where to look; the newest kernel of all is taken
}

// machines are all there are, the slowest first.
var machines = []machine{
	{"s390x", "6.12", []string{"trixie"}},
	{"arm64", "6.12", []string{"trixie"}},
	{"amd64", "5.10", []string{"bullseye"}},
	{"amd64", "6.1", []string{"bookworm"}},
	{"amd64", "6.12", []string{"trixie"}},
	{"amd64", "newest", []string{"trixie-backports", "sid", "experimental"}},
}

func (m machine) String() string { return m.arch + "/" + m.series }

// find is the machines with names such as "amd64/6.1"; all without a name.
func find(names string) ([]machine, error) {
	if names == "" {
		return machines, nil
	}
	var found []machine
	for _, name := range strings.Split(names, ",") {
		known := len(found)
		for _, m := range machines {
			if m.String() == name {
				found = append(found, m)
			}
		}
		if len(found) == known {
			return nil, fmt.Errorf("no machine %q: there are %v", name, machines)
		}
	}
	return found, nil
}

// packagePattern matches the names of the kernels' packages: the flavour for
// clouds is the smallest, and has all of BPF.
func (m machine) packagePattern() string {
	version := `[0-9]+\.[0-9]+`
	if m.series != "newest" {
		version = strings.ReplaceAll(m.series, ".", `\.`)
	}
	flavour := "cloud-" + m.arch
	if m.arch == "s390x" {
		flavour = m.arch // the only one
	}
	return `^linux-image-` + version + `(\.[0-9]+)?(-[0-9]+)?([+~][a-z0-9.]+)?-` + flavour + `$`
}

// emulator is what QEMU calls an architecture, and Debian the package.
type emulator struct{ program, pkg string }

var emulators = map[string]emulator{
	"amd64": {"qemu-system-x86_64", "qemu-system-x86"},
	"arm64": {"qemu-system-aarch64", "qemu-system-arm"},
	"s390x": {"qemu-system-s390x", "qemu-system-s390x"},
}

// hardware are the arguments that differ between architectures: the machine, its
// console, and the bus of the port that events come through.
//
// Kernels before 5.12 don't boot with arm64's 52-bit addresses (lpa2). A single
// thread for all virtual CPUs: with one each, kernels that patch their own code
// crash now and then; and two machines side by side take one core each.
var hardware = map[string][]string{
	"amd64": {"-machine", "pc", "-cpu", "max", "-serial", "chardev:console", "-device", "virtio-serial-pci"},
	"arm64": {"-machine", "virt", "-cpu", "max,pauth-impdef=on,lpa2=off,sve=off", "-serial", "chardev:console", "-device", "virtio-serial-pci"},
	"s390x": {"-machine", "s390-ccw-virtio", "-cpu", "max", "-device", "sclpconsole,chardev=console", "-device", "virtio-serial-ccw"},
}

var consoles = map[string]string{
	"amd64": "console=ttyS0 no_timer_check tsc=reliable",
	"arm64": "console=ttyAMA0",
	"s390x": "console=ttysclp0",
}

// commandLine of the kernel. The initcalls that are left out parse keys for
// seconds; BPF has to be among the security modules to be tested.
func (m machine) commandLine() string {
	return "panic=-1 oops=panic mitigations=off nokaslr audit=0 random.trust_cpu=on lsm=lockdown,yama,bpf quiet " +
		"cryptomgr.notests initcall_blacklist=load_system_certificate_list,init_encrypted " + consoles[m.arch]
}
