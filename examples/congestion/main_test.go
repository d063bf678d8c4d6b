package main

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// connectWith opens a TCP connection with a congestion control, and closes it.
func connectWith(name string) error {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
		})
		return errors.Join(err, failed)
	}}
	conn, err := dialer.Dial("tcp4", listener.Addr().String())
	if err != nil {
		return err
	}
	return conn.Close()
}

func TestRun(t *testing.T) {
	testutil.Needs(t, testutil.StructOps)
	testutil.CheckFDs(t)
	const name = "bpfgen_greedy"
	if err := connectWith(name); !errors.Is(err, unix.ENOENT) {
		t.Fatalf("before it is there: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	connected := make(chan error)
	go func() {
		err := connectWith(name)
		for errors.Is(err, unix.ENOENT) && ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
			err = connectWith(name)
		}
		cancel()
		connected <- err
	}()
	var out strings.Builder
	err := run(ctx, &out, name)
	if err := errors.Join(err, <-connected); err != nil {
		t.Fatal(err)
	}
	if out.String() != name+" is there\n1 connections\n" {
		t.Errorf("output:\n%s", out.String())
	}
}
