package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/bpfgen/bpfgen/internal/cmd/vmtest/protocol"
)

// archive writes an initramfs: cpio in the format "newc".
type archive struct {
	w    *bufio.Writer
	size int64
	made map[string]bool
	err  error
}

func newArchive(w io.Writer) *archive {
	return &archive{w: bufio.NewWriter(w), made: make(map[string]bool)}
}

// Types of files.
const (
	modeFile = 0o100000
	modeDir  = 0o040000
	modeLink = 0o120000
)

func (a *archive) entry(path string, mode uint32, contents []byte) {
	path = strings.TrimPrefix(path, "/")
	header := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.size, mode, 0, 0, 1, 0, len(contents), 0, 0, 0, 0, len(path)+1, 0, path)
	a.write([]byte(header))
	a.write(contents)
}

// write adds a part, padded to four bytes.
func (a *archive) write(part []byte) {
	for _, b := range [][]byte{part, make([]byte, -len(part)&3)} {
		n, err := a.w.Write(b)
		a.size += int64(n)
		if a.err == nil {
			a.err = err
		}
	}
}

// dir adds a folder and those above it, once.
func (a *archive) dir(path string) {
	if path == "/" || path == "." || a.made[path] {
		return
	}
	a.made[path] = true
	a.dir(filepath.Dir(path))
	a.entry(path, modeDir|0o755, nil)
}

func (a *archive) file(path string, mode uint32, contents []byte) {
	a.dir(filepath.Dir(path))
	a.entry(path, modeFile|mode, contents)
}

func (a *archive) link(path, target string) {
	a.dir(filepath.Dir(path))
	a.entry(path, modeLink|0o777, []byte(target))
}

// tree adds what is below a folder of this machine.
func (a *archive) tree(path, from string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		contents, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		a.file(filepath.Join(path, rel), 0o644, contents)
		return nil
	})
}

func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, nil)
	if a.err != nil {
		return a.err
	}
	return a.w.Flush()
}

// loaded are modules to load first: those that make the port which events come
// through, and those whose types and functions tests use. Others are loaded when
// the kernel asks for them.
var loaded = []string{"virtio_pci", "virtio_console", "veth", "fou"}

// modules is what tests may make the kernel ask for.
var modules = append([]string{"dummy", "sch_ingress", "cls_bpf", "act_bpf", "netkit", "nf_tables", "nf_conntrack",
	"nf_defrag_ipv4", "nf_defrag_ipv6", "tcp_bbr", "tcp_dctcp", "inet_diag", "tcp_diag", "bpf_preload"}, loaded...)

// base adds what doesn't depend on the tests: the first process and the kernel's own.
func (a *archive) base(k kernelFiles, guest []byte) error {
	a.file("/init", 0o755, guest)
	a.link("/sbin/modprobe", "/init")
	for _, dir := range []string{"/dev", "/proc", "/sys", "/tmp", "/run"} {
		a.dir(dir)
	}
	a.file("/etc/passwd", 0o644, []byte("root:x:0:0::/tmp:/bin/false\nnobody:x:65534:65534::/:/bin/false\n"))
	a.file("/etc/group", 0o644, []byte("root:x:0:\nnogroup:x:65534:\n"))
	a.file("/etc/hosts", 0o644, []byte("127.0.0.1 localhost\n::1 localhost\n"))
	config, err := os.ReadFile(k.config)
	if err != nil {
		return err
	}
	a.file("/boot/config-"+k.release, 0o644, config) // where .kconfig externs look
	return a.modules(k)
}

// modules adds modules with what they need, decompressed: old kernels can't do that.
func (a *archive) modules(k kernelFiles) error {
	files, err := moduleFiles(k.modules)
	if err != nil {
		return err
	}
	var aliases bytes.Buffer
	done := make(map[string]bool)
	var add func(name string) error
	add = func(name string) error {
		path, ok := files[name]
		if !ok || done[name] {
			return nil // built in, or not in this kernel
		}
		done[name] = true
		image, err := decompressed(path)
		if err != nil {
			return err
		}
		a.file("/lib/modules/"+name+".ko", 0o644, image)
		for _, alias := range modinfo(image, "alias") {
			fmt.Fprintln(&aliases, alias, name)
		}
		for _, list := range modinfo(image, "depends") {
			for _, needed := range strings.Split(list, ",") {
				if err := add(moduleName(needed)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, name := range modules {
		if err := add(name); err != nil {
			return fmt.Errorf("module %s: %w", name, err)
		}
	}
	a.file("/lib/modules/aliases", 0o644, aliases.Bytes())
	return nil
}

func moduleName(file string) string { return strings.ReplaceAll(file, "-", "_") }

// moduleFiles are the modules of a kernel, by name.
func moduleFiles(dir string) (map[string]string, error) {
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if name, _, ok := strings.Cut(d.Name(), ".ko"); ok && err == nil {
			files[moduleName(name)] = path
		}
		return err
	})
	return files, err
}

func decompressed(path string) ([]byte, error) {
	switch filepath.Ext(path) {
	case ".xz":
		return exec.Command("xz", "-dc", path).Output()
	case ".zst":
		return exec.Command("zstd", "-qdc", path).Output()
	}
	return os.ReadFile(path)
}

// modinfo are the values that a module has for a key.
func modinfo(image []byte, key string) []string {
	var values []string
	for _, match := range regexp.MustCompile(`\x00`+key+`=([^\x00]*)`).FindAllSubmatch(image, -1) {
		values = append(values, string(match[1]))
	}
	return values
}

// writeInitramfs makes the archive of a machine with its tests.
func writeInitramfs(path string, k kernelFiles, root string, b *binaries, job protocol.Job) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	a := newArchive(f)
	guest, err := os.ReadFile(b.guest)
	if err != nil {
		return err
	}
	if err := a.base(k, guest); err != nil {
		return err
	}
	for _, s := range b.suites {
		program, err := os.ReadFile(s.binary)
		if err != nil {
			return err
		}
		a.file(s.guestBinary(), 0o755, program)
		if err := a.sources(s); err != nil {
			return err
		}
		if data := filepath.Join(s.dir, "testdata"); isDir(data) {
			if err := a.tree(filepath.Join(s.guestDir(), "testdata"), data); err != nil {
				return err
			}
		}
	}
	for _, dir := range []string{"testdata", "docs"} {
		if err := a.tree(filepath.Join("/src", dir), filepath.Join(root, dir)); err != nil {
			return err
		}
	}
	text, err := json.Marshal(job)
	if err != nil {
		return err
	}
	a.file(protocol.JobFile, 0o644, text)
	if err := a.close(); err != nil {
		return err
	}
	return f.Close()
}

// sources adds the files of a package, which tests of tables look into.
func (a *archive) sources(s testSuite) error {
	files, err := filepath.Glob(filepath.Join(s.dir, "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if path := filepath.Join(s.guestDir(), filepath.Base(file)); !a.made[path] {
			a.made[path] = true
			a.file(path, 0o644, text)
		}
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
