package ebpf

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/bpfgen/bpfgen/internal/chain"
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// token is the right to use BPF that a BPF file system delegates to a user
// namespace. A nil token stands for the process's own rights.
type token struct {
	path string
	fd   *kernel.FD
}

// tokenPathVariable names the BPF file system for collections whose options name
// none, as for libbpf's objects. If it is there but empty, there is no token.
const tokenPathVariable = "LIBBPF_BPF_TOKEN_PATH"

// withChosenToken is withToken for a collection.
func withChosenToken[T any](path string, load func(*token) (T, error)) (T, error) {
	if path == "" {
		var set bool
		if path, set = os.LookupEnv(tokenPathVariable); set && path == "" {
			return load(nil)
		}
	}
	return withToken(path, load)
}

// withToken does a load with the token of path. Without a path, the load first
// goes by the process's own rights; if these don't suffice, it is done again
// with a token of the usual BPF file system, if that one gives any.
func withToken[T any](path string, load func(*token) (T, error)) (T, error) {
	if path == "" {
		loaded, err := load(nil)
		if !errors.Is(err, syscall.EPERM) {
			return loaded, err
		}
		t, noToken := newToken(defaultPinPath)
		if noToken != nil {
			return loaded, err
		}
		defer t.close()
		return load(t)
	}
	t, err := newToken(path)
	if err != nil {
		var none T
		return none, err
	}
	defer t.close()
	return load(t)
}

// newToken makes a token from the BPF file system mounted at path.
func newToken(path string) (*token, error) {
	dir, err := kernel.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY)
	if err != nil {
		return nil, fmt.Errorf("BPF token: %w: it takes the mount point of a BPF file system", err)
	}
	defer dir.Close()
	fd, err := kernel.TokenCreate(int(dir.Fd()))
	if err != nil {
		return nil, fmt.Errorf("BPF token from %s: %w", path, explainNoToken(err, kernel.AtLeast))
	}
	return &token{path, fd}, nil
}

// explainNoToken adds what can be done to why there is no token.
func explainNoToken(err error, atLeast func(uapi.KernelVersion) bool) error {
	since := uapi.KernelVersion{Major: 6, Minor: 9}
	if !atLeast(since) {
		return fmt.Errorf("%w: %w: BPF tokens need Linux %s", err, ErrNotSupported, since)
	}
	switch kernel.Errno(err) {
	case syscall.EINVAL:
		return fmt.Errorf("%w: that is not where a BPF file system (mount -t bpf) is mounted", err)
	case syscall.EOPNOTSUPP:
		return fmt.Errorf("%w: the process is in the initial user namespace, where capabilities count and tokens don't: leave TokenPath empty", err)
	case syscall.ENOENT:
		return fmt.Errorf("%w: this BPF file system delegates nothing: who mounts it has to give delegate_cmds, delegate_maps, delegate_progs and delegate_attachs (=any, for all)", err)
	case syscall.EPERM, syscall.EACCES:
		return fmt.Errorf("%w: the process has to be in the user namespace that the BPF file system was made for, with CAP_BPF there", err)
	}
	return err
}

func (t *token) close() { _ = t.fd.Close() }

func (t *token) addToTypes(attr *kernel.BTFLoadAttr) {
	if t != nil {
		attr.Flags, attr.TokenFD = attr.Flags|uapi.BTFFlagTokenFD, int32(t.fd.Int())
	}
}

func (t *token) addToMap(attr *kernel.MapCreateAttr) {
	if t != nil {
		attr.MapFlags, attr.MapTokenFD = attr.MapFlags|uapi.MapFlagTokenFD, int32(t.fd.Int())
	}
}

func (t *token) addToProgram(attr *kernel.ProgLoadAttr) {
	if t != nil {
		attr.ProgFlags, attr.ProgTokenFD = attr.ProgFlags|uapi.ProgFlagTokenFD, int32(t.fd.Int())
	}
}

// typesByID reads the types with an ID, which the process itself isn't allowed.
// Linux 6.15.
func (t *token) typesByID(id btf.ID) (*btf.Spec, error) {
	fd, err := kernel.BTFByID(uint32(id), t.fd)
	if err != nil {
		if since := (uapi.KernelVersion{Major: 6, Minor: 15}); kernel.Errno(err) == syscall.EINVAL && !kernel.AtLeast(since) {
			return nil, fmt.Errorf("%w: %w: reading them with a token needs Linux %s", err, ErrNotSupported, since)
		}
		return nil, t.explainPermission(err, []delegation{{"cmds", "btf_get_fd_by_id"}}, kernel.CapBPF)
	}
	defer fd.Close()
	var info kernel.BTFInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	blob := make([]byte, info.BTFSize)
	if err := kernel.ObjInfo(fd, &kernel.BTFInfo{BTF: kernel.Bytes(blob), BTFSize: info.BTFSize}); err != nil {
		return nil, err
	}
	return btf.LoadSpecFromBytes(blob)
}

// delegation is a mount option of BPF file systems.
type delegation struct{ option, value string }

// mapDelegation is what has to be delegated for a map, in the words of the mount
// options: the names of UAPI constants, without prefix.
func mapDelegation(t MapType) []delegation {
	return []delegation{
		{"cmds", "map_create"},
		{"maps", strings.TrimPrefix(uapi.MapType(t).UAPI(), "BPF_MAP_TYPE_")},
	}
}

// programDelegation is the same for a program. It always has an attach type: for those programs that have
// none, the kernel looks at the one whose number is zero.
func programDelegation(t ProgramType, attach AttachType) []delegation {
	return []delegation{
		{"cmds", "prog_load"},
		{"progs", strings.TrimPrefix(uapi.ProgType(t).UAPI(), "BPF_PROG_TYPE_")},
		{"attachs", strings.TrimPrefix(uapi.AttachType(attach).UAPI(), "BPF_")},
	}
}

// lower is the name of a constant in lower case. strings.ToLower would bring the
// tables of all alphabets.
func lower(constant string) string {
	text := []byte(constant)
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			text[i] = c - 'A' + 'a'
		}
	}
	return string(text)
}

// explainTypes adds what a token lacks to a refusal of type information. That
// the process lacks something is what the errors of its maps and programs say.
func (t *token) explainTypes(err error) error {
	if t == nil {
		return err
	}
	return t.explainPermission(err, []delegation{{"cmds", "btf_load"}}, kernel.CapBPF)
}

// explainPermission adds to a refusal what the process lacks, or, if it has
// enough for using its token, what the token has to be good for.
func (t *token) explainPermission(err error, delegate []delegation, need ...kernel.Capability) error {
	explained := kernel.ExplainPermission(err, need...)
	lacking, ok := chain.As[*kernel.PermissionError](explained)
	if t == nil || kernel.Errno(err) != syscall.EPERM || ok && len(lacking.Missing) > 0 {
		return explained
	}
	options := make([]string, len(delegate))
	for i, d := range delegate {
		options[i] = "delegate_" + d.option + "=" + lower(d.value)
	}
	return fmt.Errorf("%w: the token from %s doesn't allow it: the BPF file system there has to be mounted with %s", err, t.path, strings.Join(options, ","))
}
