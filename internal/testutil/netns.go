package testutil

import (
	"errors"
	"net"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// Loopback is the index of "lo" in every network namespace.
const Loopback = 1

// NetNS moves the test's goroutine into a network namespace of its own, in
// which lo is up. The goroutine keeps its thread, which ends with the test:
// sockets opened on this goroutine, and no other, are in the namespace.
func NetNS(t testing.TB) {
	t.Helper()
	Needs(t, BPF)
	runtime.LockOSThread() // for good: the thread can't go back
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatalf("new network namespace: %v", err)
	}
	linkUp(t, "lo")
}

// linkUp sets IFF_UP.
func linkUp(t testing.TB, name string) {
	t.Helper()
	sock, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(sock)
	request, err := unix.NewIfreq(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlIfreq(sock, unix.SIOCGIFFLAGS, request); err != nil {
		t.Fatalf("flags of %s: %v", name, err)
	}
	request.SetUint16(request.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(sock, unix.SIOCSIFFLAGS, request); err != nil {
		t.Fatalf("bring %s up: %v", name, err)
	}
}

// VethPair makes two interfaces that are the ends of a wire, both up, and
// returns their indices. They belong to the namespace that NetNS made and go
// away with it.
func VethPair(t testing.TB, name, peer string) (int, int) {
	t.Helper()
	return interfacePair(t, "veth", name, peer)
}

// NetkitPair is VethPair for interfaces of type netkit, of which the first is
// the primary one. The test is skipped if the kernel has no such interfaces.
func NetkitPair(t testing.TB, name, peer string) (int, int) {
	t.Helper()
	return interfacePair(t, "netkit", name, peer)
}

// interfacePair makes two interfaces of a kind, by a message that all kinds
// have in common.
func interfacePair(t testing.TB, kind, name, peer string) (int, int) {
	t.Helper()
	const infoPeer = 1 // VETH_INFO_PEER, IFLA_NETKIT_PEER_INFO
	info := make([]byte, unix.SizeofIfInfomsg)
	message := append([]byte(nil), info...)
	message = kernel.AppendNetlinkAttr(message, unix.IFLA_IFNAME, append([]byte(name), 0))
	peerInfo := kernel.AppendNetlinkAttr(append([]byte(nil), info...), unix.IFLA_IFNAME, append([]byte(peer), 0))
	linkInfo := kernel.AppendNetlinkAttr(nil, unix.IFLA_INFO_KIND, append([]byte(kind), 0))
	linkInfo = kernel.AppendNetlinkAttr(linkInfo, unix.IFLA_INFO_DATA, kernel.AppendNetlinkAttr(nil, infoPeer, peerInfo))
	message = kernel.AppendNetlinkAttr(message, unix.IFLA_LINKINFO, linkInfo)
	socket, err := kernel.OpenNetlink()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	switch _, err := socket.Request(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, message); {
	case errors.Is(err, unix.EOPNOTSUPP):
		t.Skipf("needs %s interfaces: this kernel was built without", kind)
	case err != nil:
		t.Fatalf("make %s and %s: %v", name, peer, err)
	}

	var index [2]int
	for i, n := range []string{name, peer} {
		linkUp(t, n)
		iface, err := net.InterfaceByName(n)
		if err != nil {
			t.Fatal(err)
		}
		index[i] = iface.Index
	}
	return index[0], index[1]
}
