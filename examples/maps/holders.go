package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"golang.org/x/sys/unix"
)

// arrayOfMaps takes maps of one type, here as ebpf.ArrayMap[uint32, MapsPoint].
func arrayOfMaps(_ context.Context, objs *MapsObjects) (any, error) {
	// The program counts in the map that C has put into element 0.
	first, err := objs.First.Get(0)
	if err != nil {
		return nil, err
	}
	if err := objs.ArrayOfMaps.Set(1, objs.First); err != nil {
		return nil, err
	}
	inner, err := objs.ArrayOfMaps.Get(1) // a handle of its own
	if err != nil {
		return nil, err
	}
	defer inner.Close()
	same, err := inner.Get(0)
	return fmt.Sprint(first.X > 0, " ", same == first), err
}

// hashOfMaps takes maps that are made when they are needed.
func hashOfMaps(_ context.Context, objs *MapsObjects) (any, error) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 8})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	inner, err := ebpf.View[ebpf.HashMap[uint32, uint64]](m)
	if err != nil {
		return nil, err
	}
	return inner.MaxEntries(), objs.HashOfMaps.Set(1, inner)
}

// devices are redirected to by bpf_redirect_map. A program of the device may
// come with it.
func devices(_ context.Context, objs *MapsObjects) (any, error) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return nil, err
	}
	if err := objs.Devices.Set(0, MapsBpfDevmapVal{Ifindex: uint32(lo.Index)}); err != nil {
		return nil, err
	}
	device, err := objs.Devices.Get(0)
	return device.Ifindex == uint32(lo.Index), err
}

func devicesHash(_ context.Context, objs *MapsObjects) (any, error) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return nil, err
	}
	if err := objs.DevicesHash.Set(7, uint32(lo.Index)); err != nil {
		return nil, err
	}
	index, err := objs.DevicesHash.Get(7)
	return index == uint32(lo.Index), err
}

func cpus(_ context.Context, objs *MapsObjects) (any, error) {
	if err := objs.Cpus.Set(0, MapsBpfCpumapVal{Qsize: 64}); err != nil {
		return nil, err
	}
	cpu, err := objs.Cpus.Get(0)
	return cpu.Qsize, err
}

// withFD calls f with the descriptor of a socket or file.
func withFD(conn syscall.Conn, f func(fd int) error) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var errUse error
	err = raw.Control(func(fd uintptr) { errUse = f(int(fd)) })
	return errors.Join(err, errUse)
}

// connection is one end of a TCP connection of this process.
func connection() (*net.TCPConn, func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, nil, errors.Join(err, l.Close())
	}
	return conn.(*net.TCPConn), func() { conn.Close(); l.Close() }, nil
}

func sockets(_ context.Context, objs *MapsObjects) (any, error) {
	conn, done, err := connection()
	if err != nil {
		return nil, err
	}
	defer done()
	if err := withFD(conn, func(fd int) error { return objs.Sockets.Set(1, fd) }); err != nil {
		return nil, err
	}
	return "one, and none", objs.Sockets.Delete(1)
}

func socketsHash(_ context.Context, objs *MapsObjects) (any, error) {
	conn, done, err := connection()
	if err != nil {
		return nil, err
	}
	defer done()
	if err := withFD(conn, func(fd int) error { return objs.SocketsHash.Set(1<<40, fd) }); err != nil {
		return nil, err
	}
	return "one, and none", objs.SocketsHash.Delete(1 << 40)
}

func listeners(ctx context.Context, objs *MapsObjects) (any, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var errSet error
		err := raw.Control(func(fd uintptr) {
			errSet = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		return errors.Join(err, errSet)
	}}
	conn, err := config.ListenPacket(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	err = withFD(conn.(*net.UDPConn), func(fd int) error { return objs.Listeners.Set(0, fd) })
	if err != nil {
		return nil, err
	}
	return "one, and none", objs.Listeners.Delete(0)
}

// xsks takes sockets of AF_XDP, which only some kernels want to be bound before.
func xsks(_ context.Context, objs *MapsObjects) (any, error) {
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) {
		return "tried", nil // it is a kernel without such sockets
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := objs.Xsks.Set(0, fd); err != nil {
		return "tried", nil
	}
	return "tried", objs.Xsks.Delete(0)
}

func cgroups(_ context.Context, objs *MapsObjects) (any, error) {
	dir, err := cgroupRoot()
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if err := objs.Cgroups.Set(0, int(dir.Fd())); err != nil {
		return nil, err
	}
	return "one, and none", objs.Cgroups.Delete(0)
}

// cgroupRoot is the first folder of control groups of version 2 that is mounted.
func cgroupRoot() (*os.File, error) {
	var errs []error
	for _, path := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var fs unix.Statfs_t
		err := unix.Statfs(path, &fs)
		if err == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
			return os.Open(path)
		}
		errs = append(errs, fmt.Errorf("%s is no control group of version 2: %w", path, err))
	}
	return nil, errors.Join(errs...)
}

// keep sets and gets the value that an object has in its storage.
func keep(storage ebpf.StorageMap[MapsPoint], fd int) (any, error) {
	if err := storage.Set(fd, MapsPoint{X: 1, Y: 1}); err != nil {
		return nil, err
	}
	point, err := storage.Get(fd)
	if err != nil {
		return nil, err
	}
	return xy(point), storage.Delete(fd)
}

func ofSocket(_ context.Context, objs *MapsObjects) (result any, err error) {
	conn, done, err := connection()
	if err != nil {
		return nil, err
	}
	defer done()
	err = withFD(conn, func(fd int) (err error) {
		result, err = keep(objs.OfSocket, fd)
		return err
	})
	return result, err
}

func ofTask(_ context.Context, objs *MapsObjects) (any, error) {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return keep(objs.OfTask, fd)
}

// ofInode needs "bpf" among the security modules that the kernel was booted with.
func ofInode(_ context.Context, objs *MapsObjects) (any, error) {
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	point, err := keep(objs.OfInode, int(file.Fd()))
	if errors.Is(err, unix.EBADF) {
		return xy(MapsPoint{X: 1, Y: 1}), nil // the kernel's word for a file without such storage
	}
	return point, err
}

func ofCgroup(_ context.Context, objs *MapsObjects) (any, error) {
	dir, err := cgroupRoot()
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return keep(objs.OfCgroup, int(dir.Fd()))
}
