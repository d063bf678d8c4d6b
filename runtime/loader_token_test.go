package ebpf

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// delegationSocket names, to a child in a user namespace, the socket where it
// asks for the delegation that only its parent can give.
const delegationSocket = 3

const inUserNamespace = "BPFGEN_TEST_IN_USER_NAMESPACE"

// What minimal.bpf.c takes: a hash and a socket filter, which the kernel counts
// as having the attach type zero.
var minimalDelegation = []string{
	"delegate_cmds=btf_load:map_create:prog_load",
	"delegate_maps=hash",
	"delegate_progs=socket_filter",
	"delegate_attachs=cgroup_inet_ingress",
}

// The test runs itself in a user namespace, where only tokens give rights.
func TestLoadWithToken(t *testing.T) {
	if os.Getenv(inUserNamespace) != "" {
		testInUserNamespace(t)
		return
	}
	testutil.NeedsLinux(t, "BPF tokens", 6, 9)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	needsUserNamespace(t, self)
	ours, theirs := socketPair(t)
	var out strings.Builder
	cmd := exec.Command(self, "-test.run=^TestLoadWithToken$", "-test.v")
	cmd.Env = append(os.Environ(), inUserNamespace+"=1")
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.ExtraFiles = []*os.File{theirs} // becomes delegationSocket
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	delegated := delegate(int(ours.Fd()))
	err = cmd.Wait()
	t.Logf("in the user namespace:\n%s", out.String())
	if err != nil {
		t.Errorf("in the user namespace: %v", err)
	}
	if delegated != nil {
		t.Error(delegated)
	}
}

// needsUserNamespace tries one without ID mappings: a Start that fails with them
// leaks a pipe (syscall.forkAndExecInChild, Go 1.26).
func needsUserNamespace(t *testing.T, exe string) {
	t.Helper()
	cmd := exec.Command(exe, "-test.run=^$")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS}
	err := cmd.Run()
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EINVAL) {
		t.Skipf("needs user namespaces, which this host forbids, limits to none, or was built without: %v", err)
	}
}

func socketPair(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs = os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	t.Cleanup(func() {
		ours.Close()
		theirs.Close()
	})
	return ours, theirs
}

// delegate makes file systems of what the child opened, until it hangs up. Each
// message has the mount options, and the context of fsopen(2).
func delegate(socket int) error {
	text, control := make([]byte, 512), make([]byte, unix.CmsgSpace(4))
	for {
		n, oobn, _, _, err := unix.Recvmsg(socket, text, control, unix.MSG_CMSG_CLOEXEC)
		if err != nil || n == 0 {
			return err
		}
		messages, err := unix.ParseSocketControlMessage(control[:oobn])
		if err != nil {
			return err
		}
		for _, m := range messages {
			fds, err := unix.ParseUnixRights(&m)
			if err != nil {
				return err
			}
			failure := configure(fds[0], strings.Fields(string(text[:n])))
			unix.Close(fds[0])
			if err := unix.Send(socket, []byte("done"), 0); failure != nil || err != nil {
				return errors.Join(failure, err)
			}
		}
	}
}

func configure(fs int, options []string) error {
	for _, o := range options {
		if key, value, ok := strings.Cut(o, "="); ok {
			if err := unix.FsconfigSetString(fs, key, value); err != nil {
				return os.NewSyscallError("fsconfig "+o, err)
			}
		}
	}
	return os.NewSyscallError("fsconfig create", unix.FsconfigCreate(fs))
}

// delegatingBPFFS mounts, in the child, a BPF file system with mount options.
func delegatingBPFFS(t *testing.T, dir string, options []string) {
	t.Helper()
	fs, err := unix.Fsopen("bpf", unix.FSOPEN_CLOEXEC)
	if err != nil {
		t.Fatalf("fsopen: %v", err)
	}
	defer unix.Close(fs)
	request := []byte("bpf " + strings.Join(options, " "))
	if err := unix.Sendmsg(delegationSocket, request, unix.UnixRights(fs), nil, 0); err != nil {
		t.Fatalf("ask for delegation: %v", err)
	}
	if _, err := unix.Read(delegationSocket, make([]byte, 16)); err != nil {
		t.Fatalf("wait for delegation: %v", err)
	}
	mount, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("fsmount: %v", err)
	}
	defer unix.Close(mount)
	if err := unix.MoveMount(mount, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		t.Fatalf("mount at %s: %v", dir, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
}

func testInUserNamespace(t *testing.T) {
	unix.CloseOnExec(delegationSocket)
	t.Run("without a token nothing loads", func(t *testing.T) {
		expectRefusal(t, loadMinimal(t, ""), unix.EPERM, "user namespace", "TokenPath")
	})
	t.Run("with a token all of it loads", func(t *testing.T) {
		dir := t.TempDir()
		delegatingBPFFS(t, dir, minimalDelegation)
		if err := loadMinimal(t, dir); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("the environment says where from", func(t *testing.T) {
		dir := t.TempDir()
		delegatingBPFFS(t, dir, minimalDelegation)
		t.Setenv(tokenPathVariable, dir)
		if err := loadMinimal(t, ""); err != nil {
			t.Error(err)
		}
		expectRefusal(t, loadMinimal(t, filepath.Join(dir, "else")), unix.ENOENT, "else")
	})
	t.Run("a token reads the types of another program", testTypesWithToken)
	for _, c := range []struct {
		name    string
		options []string // in addition to, or in place of, those that suffice
		errno   unix.Errno
		say     []string
	}{
		{"no delegation", nil, unix.ENOENT, []string{"delegates nothing", "delegate_cmds"}},
		{"another type of map", with("delegate_maps=array"), unix.EPERM, []string{`map "my_map"`, "delegate_cmds=map_create,delegate_maps=hash"}},
		{"another type of program", with("delegate_progs=xdp"), unix.EPERM, []string{"my_prog", "delegate_cmds=prog_load,delegate_progs=socket_filter,delegate_attachs=cgroup_inet_ingress"}},
		{"other commands", with("delegate_cmds=btf_load:map_create"), unix.EPERM, []string{"my_prog", "delegate_cmds=prog_load"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			delegatingBPFFS(t, dir, c.options)
			expectRefusal(t, loadMinimal(t, dir), c.errno, append(c.say, dir)...)
		})
	}
	t.Run("the file system of another namespace", func(t *testing.T) {
		if err := unix.Access("/sys/fs/bpf", unix.R_OK); err != nil || !isBPFFS("/sys/fs/bpf") {
			t.Skip("needs a BPF file system at /sys/fs/bpf: none is mounted")
		}
		expectRefusal(t, loadMinimal(t, "/sys/fs/bpf"), unix.EPERM, "/sys/fs/bpf", "CAP_BPF")
	})
	t.Run("the usual file system is tried unasked", func(t *testing.T) {
		delegatingBPFFS(t, "/sys/fs/bpf", minimalDelegation)
		t.Run("unless the environment forbids it", func(t *testing.T) {
			t.Setenv(tokenPathVariable, "")
			expectRefusal(t, loadMinimal(t, ""), unix.EPERM)
		})
		if err := loadMinimal(t, ""); err != nil {
			t.Error(err)
		}
		prog, err := NewProgram(returning(1))
		if err != nil {
			t.Fatal(err)
		}
		prog.Close()
	})
}

// testTypesWithToken looks a function up in a program that was loaded by the same
// token: without, only CAP_SYS_ADMIN lets a process read types by their ID.
func testTypesWithToken(t *testing.T) {
	dir := t.TempDir()
	delegatingBPFFS(t, dir, with("delegate_cmds=btf_load:map_create:prog_load:btf_get_fd_by_id"))
	coll, err := NewCollectionWithOptions(parse(t, objectFile("minimal")), CollectionOptions{TokenPath: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	tok, err := newToken(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tok.close()
	prog := coll.Programs["my_prog"]
	if _, err := functionOf(prog, "my_prog", nil); !errors.Is(err, unix.EPERM) {
		t.Errorf("without the token: %v", err)
	}
	target, err := functionOf(prog, "my_prog", tok)
	if !kernel.AtLeast(uapi.KernelVersion{Major: 6, Minor: 15}) {
		expectRefusal(t, err, unix.EINVAL, "Linux 6.15")
		return
	}
	if err != nil || target.id == 0 {
		t.Errorf("with the token: %+v, %v", target, err)
	}
}

// with is what minimal.bpf.c takes, except for one option.
func with(option string) []string {
	options := slices.Clone(minimalDelegation)
	key, _, _ := strings.Cut(option, "=")
	for i, o := range options {
		if strings.HasPrefix(o, key+"=") {
			options[i] = option
		}
	}
	return options
}

func isBPFFS(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && uint32(st.Type) == unix.BPF_FS_MAGIC
}

// loadMinimal loads minimal.bpf.c and sees whether all of it is there.
func loadMinimal(t *testing.T, tokenPath string) error {
	t.Helper()
	coll, err := NewCollectionWithOptions(parse(t, objectFile("minimal")), CollectionOptions{TokenPath: tokenPath})
	if err != nil {
		return err
	}
	defer coll.Close()
	m, p := coll.Maps["my_map"], coll.Programs["my_prog"]
	if _, _, err := p.Test(make([]byte, 14)); err != nil {
		t.Errorf("run: %v", err)
	}
	var count uint64
	if err := m.Lookup(uint32(0), &count); err != nil || count != 1 {
		t.Errorf("count is %d (%v), want 1", count, err)
	}
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := info.BTFID(); !ok {
		t.Error("the map has no types: they were loaded without the token")
	}
	if m.Flags() != 0 || info.Flags != 0 {
		t.Errorf("the map has flags %#x here, %#x in the kernel, want none", m.Flags(), info.Flags)
	}
	return nil
}

func expectRefusal(t *testing.T, err error, errno unix.Errno, say ...string) {
	t.Helper()
	if !errors.Is(err, errno) {
		t.Fatalf("error is %v, want %v", err, errno)
	}
	for _, s := range say {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q doesn't say %q", err, s)
		}
	}
}

// A token that is asked for and can't be had is an error, even for those who
// don't need it.
func TestTokenInInitialNamespace(t *testing.T) {
	testutil.NeedsLinux(t, "BPF tokens", 6, 9)
	bpffs := testutil.BPFFS(t)
	if err := os.Mkdir(filepath.Join(bpffs, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		errno      unix.Errno
		say        string
	}{
		{"initial namespace", bpffs, unix.EOPNOTSUPP, "initial user namespace"},
		{"not its root", filepath.Join(bpffs, "folder"), unix.EINVAL, "not where a BPF file system"},
		{"another file system", filepath.Dir(file), unix.EINVAL, "not where a BPF file system"},
		{"no folder", file, unix.ENOTDIR, "mount point"},
		{"not there", file + "s", unix.ENOENT, "mount point"},
	} {
		t.Run(c.name, func(t *testing.T) {
			expectRefusal(t, loadMinimal(t, c.path), c.errno, c.path, c.say)
		})
	}
}

func TestTokenOnOldKernel(t *testing.T) {
	err := explainNoToken(&kernel.Error{Cmd: kernel.CmdTokenCreate, Errno: unix.EINVAL}, func(uapi.KernelVersion) bool { return false })
	if want := "BPF tokens need Linux 6.9"; !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want %s", err, want)
	}
}
