package testutil

import (
	"encoding/binary"
	"errors"
	"net"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
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
	message = appendAttr(message, unix.IFLA_IFNAME, append([]byte(name), 0))
	peerInfo := appendAttr(append([]byte(nil), info...), unix.IFLA_IFNAME, append([]byte(peer), 0))
	linkInfo := appendAttr(nil, unix.IFLA_INFO_KIND, append([]byte(kind), 0))
	linkInfo = appendAttr(linkInfo, unix.IFLA_INFO_DATA, appendAttr(nil, infoPeer, peerInfo))
	message = appendAttr(message, unix.IFLA_LINKINFO, linkInfo)
	switch err := netlink(t, unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, message); {
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

// appendAttr adds a netlink attribute, padded to four bytes.
func appendAttr(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// netlink sends one routing message, and returns what the kernel says to it.
func netlink(t testing.TB, kind uint16, flags uint16, payload []byte) error {
	t.Helper()
	sock, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(sock)
	message := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(payload)))
	message = binary.NativeEndian.AppendUint16(message, kind)
	message = binary.NativeEndian.AppendUint16(message, flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	message = append(message, make([]byte, 8)...) // sequence and port: ours and the kernel's
	message = append(message, payload...)
	if err := unix.Sendto(sock, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, 4096)
	n, _, err := unix.Recvfrom(sock, reply, 0)
	if err != nil || n < unix.SizeofNlMsghdr+4 {
		t.Fatalf("netlink: %d bytes, %v", n, err)
	}
	if errno := -int32(binary.NativeEndian.Uint32(reply[unix.SizeofNlMsghdr:])); errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}
