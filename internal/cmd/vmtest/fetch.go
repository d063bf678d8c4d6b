package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// kernelFiles is a kernel in the cache.
type kernelFiles struct {
	image   string
	config  string // what it was built with
	modules string // the folder of its modules
	release string // as uname says it
}

// fetchKernel brings the kernel of a machine into the cache, unless it is there.
func fetchKernel(ctx context.Context, cache string, m machine) (kernelFiles, error) {
	dir := filepath.Join(cache, "kernels", m.arch+"-"+m.series)
	unlock, err := lock(dir)
	if err != nil {
		return kernelFiles{}, err
	}
	defer unlock()
	if k, err := openKernel(dir); err == nil {
		return k, nil
	}
	from, name, err := newestKernel(ctx, cache, m)
	if err != nil {
		return kernelFiles{}, fmt.Errorf("kernel for %v: %w", m, err)
	}
	say("%v: fetching %s from %s", m, name, from.name)
	scratch := dir + ".new"
	if err := errors.Join(os.RemoveAll(scratch), os.MkdirAll(scratch, 0o755), from.unpack(ctx, name, scratch)); err != nil {
		return kernelFiles{}, fmt.Errorf("kernel for %v: %w", m, err)
	}
	if err := errors.Join(os.RemoveAll(dir), os.Rename(scratch, dir)); err != nil {
		return kernelFiles{}, err
	}
	return openKernel(dir)
}

// newestKernel is the package to fetch, and where from. A suite that can't be
// reached or has no such kernel leaves the choice to the others.
func newestKernel(ctx context.Context, cache string, m machine) (*suite, string, error) {
	pattern := regexp.MustCompile(m.packagePattern())
	var from *suite
	var name string
	var errs []error
	for _, suiteName := range m.suites {
		s, err := openSuite(ctx, cache, suiteName, m.arch)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found, err := s.newest(ctx, pattern)
		switch {
		case err != nil:
			errs = append(errs, err)
		case found != "" && (name == "" || compareVersions(found, name) > 0):
			from, name = s, found
		}
	}
	if from == nil {
		return nil, "", errors.Join(append(errs, fmt.Errorf("no package %s in %v", pattern, m.suites))...)
	}
	return from, name, nil
}

func openKernel(dir string) (kernelFiles, error) {
	one := func(patterns ...string) (string, error) {
		for _, pattern := range patterns {
			if found, _ := filepath.Glob(filepath.Join(dir, pattern)); len(found) > 0 {
				return found[0], nil
			}
		}
		return "", fmt.Errorf("%s: no %v", dir, patterns)
	}
	image, errImage := one("boot/vmlinu[xz]-*", "usr/lib/modules/*/vmlinu[xz]")
	config, errConfig := one("boot/config-*", "usr/lib/modules/*/config")
	modules, errModules := one("lib/modules/*", "usr/lib/modules/*")
	return kernelFiles{image, config, modules, filepath.Base(modules)}, errors.Join(errImage, errConfig, errModules)
}

// oldestQEMU is the first one whose emulation is right: 7.2 spoils the flags
// after cmpxchg16b, and kernels crash.
const oldestQEMU = 8

// findQEMU is the command of an emulator: the system's, or one of Debian's
// backports in the cache.
func findQEMU(ctx context.Context, cache, arch string) ([]string, error) {
	e := emulators[arch]
	if system := []string{e.program}; qemuMajor(ctx, system) >= oldestQEMU {
		return system, nil
	}
	dir := filepath.Join(cache, "qemu", e.pkg)
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	private := []string{filepath.Join(dir, "usr/bin", e.program), "-L", filepath.Join(dir, "usr/share/qemu"), "-L", filepath.Join(dir, "usr/share/seabios")}
	if _, err := os.Stat(private[0]); err != nil {
		if err := fetchQEMU(ctx, cache, dir, e); err != nil {
			return nil, fmt.Errorf("no %s of version %d or newer (apt-get install %s), nor can it be fetched: %w", e.program, oldestQEMU, e.pkg, err)
		}
	}
	if qemuMajor(ctx, private) >= oldestQEMU {
		return private, nil
	}
	return nil, fmt.Errorf("%s can't run: apt-get install %s for the libraries it needs", private[0], e.pkg)
}

func fetchQEMU(ctx context.Context, cache, dir string, e emulator) error {
	host, err := exec.CommandContext(ctx, "dpkg", "--print-architecture").Output()
	if err != nil {
		return fmt.Errorf("dpkg: %w", err)
	}
	from, err := openSuite(ctx, cache, "bookworm-backports", strings.TrimSpace(string(host)))
	if err != nil {
		return err
	}
	say("fetching %s from %s", e.pkg, from.name)
	scratch := dir + ".new"
	if err := errors.Join(os.RemoveAll(scratch), os.MkdirAll(scratch, 0o755)); err != nil {
		return err
	}
	for _, name := range []string{e.pkg, "qemu-system-data", "seabios"} {
		if err := from.unpack(ctx, name, scratch); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(dir), os.Rename(scratch, dir))
}

var qemuVersion = regexp.MustCompile(`version ([0-9]+)`)

// qemuMajor is the first number of QEMU's version, 0 if it doesn't run.
func qemuMajor(ctx context.Context, command []string) int {
	out, err := exec.CommandContext(ctx, command[0], append(command[1:len(command):len(command)], "--version")...).Output()
	if match := qemuVersion.FindSubmatch(out); err == nil && match != nil {
		major, _ := strconv.Atoi(string(match[1])) // digits
		return major
	}
	return 0
}

// lock keeps other runs from changing a part of the cache.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
