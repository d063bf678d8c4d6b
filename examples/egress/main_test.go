package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// sender makes this test binary, when it is started again, the process whose
// packets are metered.
const sender = "EGRESS_TEST_SENDER"

func TestMain(m *testing.M) {
	if os.Getenv(sender) != "" {
		send()
		return
	}
	testutil.Main(m)
}

// send sends twenty datagrams to a socket of its own: an unanswered one would
// make the next write fail instead of sending.
func send() {
	sink, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	conn, err := net.Dial("udp4", sink.LocalAddr().String())
	if err != nil {
		panic(err)
	}
	for i := range 20 {
		// The meter may refuse it, which the sender sees as EPERM.
		_, _ = conn.Write(make([]byte, 100+800*(i%2)))
	}
}

// meterSender runs the meter on a cgroup of its own while a process in that
// cgroup sends twenty datagrams, and returns packets, bytes and refusals.
func meterSender(t *testing.T, maxLen uint32) (packets, bytesSent, refused int) {
	t.Helper()
	testutil.Needs(t, testutil.CgroupLink)
	cgroup := testutil.Cgroup(t)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out testutil.Output
	go func() {
		defer cancel()
		if out.Await(ctx, "^metering ") {
			startIn(t, cgroup)
		}
	}()
	if err := run(ctx, &out, cgroup, maxLen); err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^(\d+) packets, (\d+) bytes, (\d+) refused\n`).FindStringSubmatch(out.String())
	if m == nil {
		t.Fatalf("no totals in the output:\n%s", out.String())
	}
	packets, _ = strconv.Atoi(m[1])
	bytesSent, _ = strconv.Atoi(m[2])
	refused, _ = strconv.Atoi(m[3])
	return packets, bytesSent, refused
}

// startIn runs the sender as a member of the cgroup from its first instruction.
func startIn(t *testing.T, cgroup string) {
	dir, err := os.Open(cgroup)
	if err != nil {
		t.Error(err)
		return
	}
	defer dir.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), sender+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("sender: %v\n%s", err, out)
	}
}

func TestRun(t *testing.T) {
	packets, sent, refused := meterSender(t, 0)
	if packets != 20 || sent != 10*(20+8+100)+10*(20+8+900) || refused != 0 {
		t.Errorf("metered %d packets, %d bytes, %d refused; want 20, %d, 0", packets, sent, refused, 10*128+10*928)
	}
}

// TestRunRefuses: packets above the limit set in .rodata are dropped and not
// counted as sent.
func TestRunRefuses(t *testing.T) {
	packets, sent, refused := meterSender(t, 500)
	if packets != 10 || sent != 10*128 || refused != 10 {
		t.Errorf("metered %d packets, %d bytes, %d refused; want 10, %d, 10", packets, sent, refused, 10*128)
	}
}
