//go:build linux

// Command guest is the first process of the virtual machines that vmtest
// boots, and their modprobe. It needs no other program: it mounts what BPF
// tests want, runs the tests, tells of them, and switches the machine off.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/cmd/vmtest/protocol"
)

func main() {
	switch {
	case filepath.Base(os.Args[0]) == "modprobe":
		os.Exit(modprobeMain(os.Args[1:]))
	case os.Getpid() != 1:
		fmt.Fprintln(os.Stderr, "guest: this is the first process of a machine of vmtest, and nothing else")
		os.Exit(2)
	}
	if err := boot(); err != nil {
		fmt.Println("vmtest:", err) // on the console
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {} // the end of the first process would be a panic of the kernel
}

// boot is all there is to do. Its error is for when nobody else can be told.
func boot() error {
	mountAll(early)
	// The kernel has opened no console for us, for there was no /dev.
	if console, err := os.OpenFile("/dev/console", os.O_WRONLY, 0); err == nil {
		os.Stdout = console
	}
	var job protocol.Job
	text, err := os.ReadFile(protocol.JobFile)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &job); err != nil {
		return err
	}
	for _, m := range job.Modules {
		if err := modprobe(m, 0); err != nil {
			fmt.Println("vmtest: module", m+":", err) // built in, maybe: the port will tell
		}
	}
	port, err := openPort(protocol.PortName)
	if err != nil {
		return err
	}
	out := &reporter{port: port}
	var uts unix.Utsname
	_ = unix.Uname(&uts)
	out.tell(protocol.Event{Kind: protocol.Up, Text: unix.ByteSliceToString(uts.Release[:])})
	mountAll(late)
	if err := prepare(); err != nil {
		out.tell(protocol.Event{Kind: protocol.Fail, Text: err.Error()})
		return err
	}
	for _, run := range job.Runs {
		out.run(run)
	}
	out.tell(protocol.Event{Kind: protocol.Done})
	time.Sleep(50 * time.Millisecond) // for the last line to leave
	return nil
}

type mount struct{ kind, dir, options string }

var early = []mount{
	{"proc", "/proc", ""},
	{"sysfs", "/sys", ""},
	{"devtmpfs", "/dev", "mode=0755"},
}

var late = []mount{
	{"devpts", "/dev/pts", "mode=0620,ptmxmode=0666"},
	{"tmpfs", "/dev/shm", "mode=1777"},
	{"tmpfs", "/tmp", "mode=1777"},
	{"tmpfs", "/run", "mode=0755"},
	{"cgroup2", "/sys/fs/cgroup", ""},
	{"bpf", "/sys/fs/bpf", "mode=0700"},
	{"tracefs", "/sys/kernel/tracing", ""},
	{"debugfs", "/sys/kernel/debug", ""},
	{"securityfs", "/sys/kernel/security", ""},
}

func mountAll(mounts []mount) {
	for _, m := range mounts {
		_ = os.MkdirAll(m.dir, 0o755)
		if err := unix.Mount(m.kind, m.dir, m.kind, 0, m.options); err != nil && err != unix.EBUSY {
			fmt.Println("vmtest: mount", m.dir+":", err)
		}
	}
}

// prepare is what a distribution would have done by now.
func prepare() error {
	for name, target := range map[string]string{"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"} {
		_ = os.Symlink("/proc/self/fd"+target, "/dev/"+name)
	}
	files := unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return fmt.Errorf("RLIMIT_NOFILE: %w", err)
	}
	for file, value := range map[string]string{
		"/proc/sys/kernel/kptr_restrict":       "0",
		"/proc/sys/kernel/perf_event_paranoid": "-1",
		"/proc/sys/net/core/bpf_jit_kallsyms":  "1", // not there without a JIT
	} {
		_ = os.WriteFile(file, []byte(value), 0o644)
	}
	return linkUp("lo")
}

// linkUp is "ip link set NAME up".
func linkUp(name string) error {
	sock, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	defer unix.Close(sock)
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(sock, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	return nil
}

// openPort waits for a virtio-serial port with a name.
func openPort(name string) (*os.File, error) {
	for range 500 {
		names, _ := filepath.Glob("/sys/class/virtio-ports/*/name")
		for _, file := range names {
			text, _ := os.ReadFile(file)
			if strings.TrimSpace(string(text)) != name {
				continue
			}
			fd, err := unix.Open("/dev/"+filepath.Base(filepath.Dir(file)), unix.O_WRONLY|unix.O_CLOEXEC, 0)
			if err == nil {
				return os.NewFile(uintptr(fd), name), nil
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, fmt.Errorf("no virtio-serial port %q", name)
}

// reporter writes Events to the port.
type reporter struct {
	mu   sync.Mutex
	port *os.File
}

func (r *reporter) tell(e protocol.Event) {
	line, _ := json.Marshal(e) // of strings and numbers
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = r.port.Write(append(line, '\n'))
}

// run runs one program to its end, and whatever it leaves behind to theirs.
func (r *reporter) run(run protocol.Run) {
	r.tell(protocol.Event{Kind: protocol.Start, Run: run.Name})
	began := time.Now()
	code, err := r.execute(run)
	if err != nil {
		r.tell(protocol.Event{Kind: protocol.Output, Run: run.Name, Text: "vmtest: " + err.Error() + "\n"})
	}
	r.tell(protocol.Event{Kind: protocol.Exit, Run: run.Name, Code: code, Took: time.Since(began).Seconds()})
}

func (r *reporter) execute(run protocol.Run) (int, error) {
	null, err := os.Open("/dev/null")
	if err != nil {
		return 125, err
	}
	defer null.Close()
	in, out, err := os.Pipe()
	if err != nil {
		return 125, err
	}
	defer in.Close()
	pid, err := syscall.ForkExec(run.Args[0], run.Args, &syscall.ProcAttr{
		Dir:   run.Dir,
		Env:   []string{"PATH=/sbin:/bin", "HOME=/tmp", "TMPDIR=/tmp", "USER=root", "VMTEST=1"},
		Files: []uintptr{null.Fd(), out.Fd(), out.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	out.Close()
	if err != nil {
		return 127, fmt.Errorf("run %s: %w", run.Args[0], err)
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		lines := bufio.NewReaderSize(in, 64<<10)
		for {
			text, err := lines.ReadString('\n')
			if text != "" {
				r.tell(protocol.Event{Kind: protocol.Output, Run: run.Name, Text: text})
			}
			if err != nil {
				return
			}
		}
	}()
	code := await(pid, time.Duration(run.Seconds)*time.Second)
	_ = unix.Kill(-1, unix.SIGKILL) // everyone but us: what is left would hold the pipe
	select {
	case <-copied:
	case <-time.After(10 * time.Second):
	}
	return code, nil
}

// await waits for a process to end, and reaps the orphans that come by.
func await(pid int, limit time.Duration) int {
	late := make(chan struct{})
	asked := time.AfterFunc(limit, func() {
		close(late)
		_ = unix.Kill(pid, unix.SIGQUIT) // Go programs tell what they are at
	})
	defer asked.Stop()
	killed := time.AfterFunc(limit+5*time.Second, func() { _ = unix.Kill(-1, unix.SIGKILL) })
	defer killed.Stop() // or it would meet the next program
	var status unix.WaitStatus
	for {
		ended, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 125
		case ended != pid:
			continue
		}
		select {
		case <-late:
			return 124
		default:
		}
		if status.Signaled() {
			return 128 + int(status.Signal())
		}
		return status.ExitStatus()
	}
}
