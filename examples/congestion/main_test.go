package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
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
	name := fmt.Sprintf("greedy%d", os.Getpid()) // the name is the whole machine's
	if err := connectWith(name); !errors.Is(err, unix.ENOENT) {
		t.Fatalf("before it is there: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out testutil.Output
	go func() {
		defer cancel()
		if out.Await(ctx, " is there") {
			if err := connectWith(name); err != nil {
				t.Error(err)
			}
		}
	}()
	if err := run(ctx, &out, name); err != nil {
		t.Fatal(err)
	}
	if out.String() != name+" is there\n1 connections\n" {
		t.Errorf("output:\n%s", out.String())
	}
}
