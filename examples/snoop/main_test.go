package main

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestRun(t *testing.T) {
	testutil.Needs(t, testutil.TracingRawTp)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			_ = exec.Command("true").Run() // what it does is of no interest here
			if conn, err := net.Dial("udp", "127.0.0.1:9"); err == nil {
				_, _ = conn.Write([]byte("packet"))
				conn.Close()
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	var out bytes.Buffer
	if err := run(ctx, &out, 0); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`(?m)^\d+ true$`, `(?m)^process 0: \d+$`, `(?m)^process [1-9]\d*: 1$`, `(?m)^0 events dropped$`} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("output lacks %s", want)
		}
	}
	if t.Failed() {
		t.Logf("output:\n%s", out.String())
	}
}
