package main

import (
	"bytes"
	"context"
	"net"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// TestRun sends datagrams to ourselves over the loopback interface and finds
// them counted.
func TestRun(t *testing.T) {
	testutil.Needs(t, testutil.XDPLink)

	ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	defer cancel()
	go sendDatagrams(ctx, t)

	var out bytes.Buffer
	if err := run(ctx, &out, "lo", 500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	last := regexp.MustCompile(`(?m)^udp +(\d+) packets +(\d+) bytes$`).FindAllStringSubmatch(out.String(), -1)
	if len(last) == 0 {
		t.Fatalf("no UDP packet was counted:\n%s", out.String())
	}
	packets, _ := strconv.Atoi(last[len(last)-1][1])
	bytes, _ := strconv.Atoi(last[len(last)-1][2])
	if packets < 10 || bytes < packets*(14+20+8+100) {
		t.Errorf("counted %d packets, %d bytes; at least 10 of 142 bytes were sent:\n%s", packets, bytes, out.String())
	}
}

func sendDatagrams(ctx context.Context, t *testing.T) {
	sink, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		return
	}
	defer sink.Close()
	conn, err := net.Dial("udp4", sink.LocalAddr().String())
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	for ctx.Err() == nil {
		if _, err := conn.Write(make([]byte, 100)); err != nil {
			t.Error(err)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestRunUnknownInterface(t *testing.T) {
	err := run(context.Background(), &bytes.Buffer{}, "no-such-dev", time.Second)
	if err == nil || !regexp.MustCompile(`^interface no-such-dev: `).MatchString(err.Error()) {
		t.Errorf("error %v does not name the interface", err)
	}
}
