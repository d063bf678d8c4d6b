package main

import (
	"bytes"
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestRun(t *testing.T) {
	testutil.Needs(t, testutil.TracingRawTp)

	var out bytes.Buffer
	err := run(context.Background(), &out, options{duration: 2 * time.Second, demo: true, uid: -1})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`(?m)^TIME +PID +PPID +UID +PARENT +PROGRAM$`,
		`(?m)^ +\d+\.\d{3} +\d+ +\d+ +0  execsnoop\S* +/\S*/true$`, // our own child, with its parent's name
		`(?m)^\d+ programs executed, \d+ different, 0 events dropped$`,
		`(?m)^true +\d+ █+$`,
	} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
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
