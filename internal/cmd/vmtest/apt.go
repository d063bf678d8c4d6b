package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// suite is apt with a private state, which knows one suite of Debian for one
// architecture. It changes nothing of the system and needs no root.
type suite struct{ name, arch, dir string }

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// openSuite fetches the index of a suite, at most once a day.
func openSuite(ctx context.Context, cache, name, arch string) (*suite, error) {
	s := &suite{name, arch, filepath.Join(cache, "apt", name+"-"+arch)}
	unlock, err := lock(s.dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	done := filepath.Join(s.dir, "done")
	if info, err := os.Stat(done); err == nil && time.Since(info.ModTime()) < 24*time.Hour {
		return s, nil
	}
	for _, dir := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o755); err != nil {
			return nil, err
		}
	}
	mirror := os.Getenv("DEBIAN_MIRROR")
	if mirror == "" {
		mirror = "http://deb.debian.org/debian"
	}
	source := fmt.Sprintf("deb [arch=%s signed-by=%s] %s %s main\n", arch, keyring, mirror, name)
	if err := os.WriteFile(filepath.Join(s.dir, "sources.list"), []byte(source), 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "status"), nil, 0o644); err != nil {
		return nil, err
	}
	if _, err := s.apt(ctx, s.dir, "apt-get", "-o", "APT::Update::Error-Mode=any", "update"); err != nil {
		if _, stale := os.Stat(done); stale == nil {
			return s, nil // what there was yesterday will do
		}
		return nil, err
	}
	return s, os.WriteFile(done, nil, 0o644)
}

// apt runs a program of apt in a folder, and returns what it prints.
func (s *suite) apt(ctx context.Context, dir, program string, args ...string) ([]byte, error) {
	options := []string{
		"-qq", "-o", "Dir::Etc::sourcelist=" + s.dir + "/sources.list", "-o", "Dir::Etc::sourceparts=/dev/null",
		"-o", "Dir::State=" + s.dir, "-o", "Dir::State::Lists=" + s.dir + "/lists", "-o", "Dir::State::status=" + s.dir + "/status",
		"-o", "Dir::Cache=" + s.dir + "/cache", "-o", "APT::Architecture=" + s.arch, "-o", "APT::Architectures=" + s.arch,
		"-o", "Acquire::Languages=none", "-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=3", "-o", "Acquire::http::Timeout=30",
	}
	cmd := exec.CommandContext(ctx, program, append(options, args...)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %s %s: %w: %s", s.name, s.arch, program, args[len(args)-1], err, lastLine(stderr.Bytes()))
	}
	return out, nil
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// newest is the package whose name matches and has the highest number, "" if none.
func (s *suite) newest(ctx context.Context, pattern *regexp.Regexp) (string, error) {
	out, err := s.apt(ctx, s.dir, "apt-cache", "pkgnames", "linux-image-")
	if err != nil {
		return "", err
	}
	names := slices.DeleteFunc(strings.Fields(string(out)), func(name string) bool { return !pattern.MatchString(name) })
	if len(names) == 0 {
		return "", nil
	}
	return slices.MaxFunc(names, compareVersions), nil
}

var digits = regexp.MustCompile(`[0-9]+|[^0-9]+`)

// compareVersions compares names in which numbers count as such.
func compareVersions(a, b string) int {
	as, bs := digits.FindAllString(a, -1), digits.FindAllString(b, -1)
	return slices.CompareFunc(as, bs, func(a, b string) int {
		if len(a) != len(b) && a[0] >= '0' && a[0] <= '9' && b[0] >= '0' && b[0] <= '9' {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
}

// kernelParts are packages that newer kernels are split into.
var kernelParts = regexp.MustCompile(`linux-(image|binary|modules|base)-[0-9][^ ,|(]*`)

// unpack fetches a package, and what it is split into, and unpacks them to dir.
func (s *suite) unpack(ctx context.Context, name, dir string) error {
	scratch, err := os.MkdirTemp(dir, "download")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if _, err := s.apt(ctx, scratch, "apt-get", "download", name); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(scratch, "*.deb"))
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("%s: apt-get downloaded %d packages", name, len(debs))
	}
	if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", debs[0], dir).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: dpkg-deb: %w: %s", name, err, lastLine(out))
	}
	depends, err := exec.CommandContext(ctx, "dpkg-deb", "-f", debs[0], "Depends").Output()
	if err != nil {
		return fmt.Errorf("%s: dpkg-deb: %w", name, err)
	}
	for _, part := range kernelParts.FindAllString(string(depends), -1) {
		if err := s.unpack(ctx, part, dir); err != nil {
			return err
		}
	}
	return nil
}
