package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestRun(t *testing.T) {
	testutil.Needs(t, testutil.TracingRawTp)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	parent := regexp.QuoteMeta(strings.TrimSpace(string(comm)))
	ourChild := `(?m)^ +\d+\.\d{3} +\d+ +\d+ +0  ` + parent + ` +/\S*/true$` // with its parent's name
	var out testutil.Output
	go func() {
		out.Await(ctx, ourChild)
		cancel()
	}()
	if err := run(ctx, &out, options{duration: time.Minute, demo: true, uid: -1}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`(?m)^TIME +PID +PPID +UID +PARENT +PROGRAM$`,
		ourChild,
		`(?m)^\d+ programs executed, \d+ different, 0 events dropped$`,
		`(?m)^true +\d+ █+$`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("output lacks %s", want)
		}
	}
	if t.Failed() {
		t.Logf("output:\n%s", out.String())
	}
}

// TestRunFiltersByUser: configuration set in .rodata before load decides what
// the program reports.
func TestRunFiltersByUser(t *testing.T) {
	testutil.Needs(t, testutil.TracingRawTp)

	var out bytes.Buffer
	err := run(context.Background(), &out, options{duration: time.Second, demo: true, uid: 4242})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(out.Bytes(), []byte("\n0 programs executed, 0 different")) {
		t.Errorf("programs of user 0 were reported to a watcher of user 4242:\n%s", out.String())
	}
}
