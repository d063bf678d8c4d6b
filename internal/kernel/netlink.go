package kernel

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Netlink is a socket to talk to the network stack of one namespace: that of
// the thread that opened it, whoever uses it later.
type Netlink struct {
	mu sync.Mutex // one request at a time
	fd *FD
}

// OpenNetlink opens a socket for messages about routing and traffic control.
func OpenNetlink() (*Netlink, error) {
	raw, err := socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	fd, err := ownFD(raw)
	if err != nil {
		return nil, err
	}
	return &Netlink{fd: fd}, nil
}

// Close closes the socket.
func (n *Netlink) Close() error { return n.fd.Close() }

// netlinkReply has room for what the kernel says to one request.
const netlinkReply = 32 << 10

// netlinkTries is how often to try to receive a reply.
const netlinkTries = 8

// Request sends a message and waits until the kernel has done what it says. It
// returns what the kernel sends besides, the payload of the first message of the
// same kind, which flag NLM_F_ECHO asks for.
func (n *Netlink) Request(kind, flags uint16, payload []byte) ([]byte, error) {
	return n.exchange(kind, kind, flags, payload)
}

// Ask sends a question, and returns the payload of the first message of the kind
// that answers have.
func (n *Netlink) Ask(kind, answer uint16, payload []byte) ([]byte, error) {
	return n.exchange(kind, answer, 0, payload)
}

func (n *Netlink) exchange(kind, answer, flags uint16, payload []byte) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	raw, err := n.fd.Acquire()
	if err != nil {
		return nil, err
	}
	defer n.fd.Release()
	message := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(payload)))
	message = binary.NativeEndian.AppendUint16(message, kind)
	message = binary.NativeEndian.AppendUint16(message, flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	message = append(message, make([]byte, 8)...) // sequence and port: one request at a time, and the kernel's choice
	message = append(message, payload...)
	if err := sendto(raw, message, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, os.NewSyscallError("sendto", err)
	}
	return receiveNetlink(raw, answer)
}

// receiveNetlink reads messages up to the acknowledgement.
func receiveNetlink(raw int, kind uint16) (echo []byte, err error) {
	buffer := make([]byte, netlinkReply)
	for {
		n, err := receiveAgain(raw, buffer)
		if err != nil {
			return nil, os.NewSyscallError("recvfrom", err)
		}
		messages, err := syscall.ParseNetlinkMessage(buffer[:n])
		if err != nil {
			return nil, fmt.Errorf("netlink: malformed reply: %w", err)
		}
		for _, m := range messages {
			switch {
			case m.Header.Type == unix.NLMSG_ERROR && len(m.Data) >= 4:
				if errno := -int32(binary.NativeEndian.Uint32(m.Data)); errno != 0 {
					return nil, os.NewSyscallError("netlink", unix.Errno(errno))
				}
				return echo, nil
			case m.Header.Type == kind && echo == nil:
				echo = append([]byte{}, m.Data...)
			}
		}
	}
}

// receiveAgain is recvfrom(2), tried again after what doesn't last: the kernel
// has done what it was asked to, and who doesn't learn what that was can't undo it.
func receiveAgain(raw int, buffer []byte) (n int, err error) {
	for try := 0; try < netlinkTries; try++ {
		n, err = recvfrom(raw, buffer)
		switch err {
		case unix.EINTR:
			try--
		case unix.EAGAIN, unix.ENOMEM:
			time.Sleep(time.Millisecond << try)
		default:
			return n, err
		}
	}
	return n, err
}

// AppendNetlinkAttr adds an attribute to a message, padded to four bytes.
func AppendNetlinkAttr(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
