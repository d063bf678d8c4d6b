package testutil

import (
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { Main(m) }

func TestLeaksAreFoundAndDescribed(t *testing.T) {
	before := openFDs()
	raw, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	leaked := leakedFDs(before)
	unix.Close(raw)
	if len(leaked) != 1 || leaked[raw] != "/dev/null" {
		t.Errorf("got %v", leaked)
	}
	if text := describe(leaked); !strings.Contains(text, "→ /dev/null") {
		t.Errorf("description %q", text)
	}
	if leaked := leakedFDs(before); leaked != nil {
		t.Errorf("after closing: %v", leaked)
	}
}

func TestEveryFeatureHasARow(t *testing.T) {
	for id, f := range features {
		if f.name == "" || f.kernel.Major == 0 {
			t.Errorf("feature %d: %+v", id, f)
		}
	}
	if len(features) != int(numFeatures) {
		t.Errorf("%d rows for %d features", len(features), numFeatures)
	}
}

func TestNamespaceHasAWire(t *testing.T) {
	Needs(t, Veth)
	NetNS(t)
	a, b := VethPair(t, "left", "right")
	if a == b || a == Loopback || b == Loopback {
		t.Errorf("indices %d and %d", a, b)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("lo isn't up: %v", err)
	}
	listener.Close()
}

func TestFileSystems(t *testing.T) {
	Needs(t, BPF, CgroupSKB)
	if err := os.Mkdir(BPFFS(t)+"/folder", 0o755); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(Cgroup(t) + "/cgroup.procs"); err != nil {
		t.Error(err)
	}
}

func TestCompile(t *testing.T) {
	object := Compile(t, `__attribute__((section("xdp"))) int pass(void *ctx) { return 2; }`)
	if string(object[:4]) != "\x7fELF" {
		t.Errorf("not an ELF file: %q", object[:4])
	}
}
