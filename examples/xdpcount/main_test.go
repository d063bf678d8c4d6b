package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"regexp"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// TestRun sends datagrams to ourselves over the loopback interface of a network
// namespace of our own and finds them counted.
func TestRun(t *testing.T) {
	testutil.Needs(t, testutil.XDPLink)
	testutil.NetNS(t)

	sink, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	if err := sink.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("udp4", sink.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const sent, size = 20, 14 + 20 + 8 + 100 // Ethernet, IP, UDP, data
	var out testutil.Output
	go func() {
		defer cancel()
		out.Await(ctx, "^counting ")
		for range sent { // what has arrived was counted
			if _, err := conn.Write(make([]byte, 100)); err != nil {
				t.Error(err)
			}
			if _, _, err := sink.ReadFrom(make([]byte, 200)); err != nil {
				t.Error(err)
			}
		}
	}()
	if err := run(ctx, &out, "lo", time.Hour); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("counting packets of lo\nudp       %10d packets %12d bytes\n", sent, sent*size); out.String() != want {
		t.Errorf("got  %swant %s", out.String(), want)
	}
}

func TestRunUnknownInterface(t *testing.T) {
	err := run(context.Background(), &bytes.Buffer{}, "no-such-dev", time.Second)
	if err == nil || !regexp.MustCompile(`^interface no-such-dev: `).MatchString(err.Error()) {
		t.Errorf("error %v does not name the interface", err)
	}
}
