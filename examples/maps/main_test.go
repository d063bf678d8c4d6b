package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

const want = `tail calls, hash, per-CPU array, queue: 1 without program, 2 with it
hash: [11 33]
LRU hash: [3 0]
per-CPU hash: sum 23, most 23
LRU per-CPU hash: 1 [1 2]
array: [[0 0] [0 0] [0 0] [5 0]]
shared array: [7 0]
LPM trie: 2
stack traces: true
queue: [[1 2] [8 0]]
stack: 2
bloom filter: [true false]
ring buffer: 7 hello
ring buffer with a tag: 7 hello
perf event array: 7 hello
user ring buffer: 7
array of maps: true true
hash of maps: 8
device map: true
device hash: true
CPU map: 64
socket map: one, and none
socket hash: one, and none
sockets that share an address: one, and none
XDP sockets: tried
control groups: one, and none
storage of a socket: [1 1]
storage of a task: [1 1]
storage of a file: [1 1]
storage of a control group: [1 1]
`

func TestRun(t *testing.T) {
	testutil.NeedsLinux(t, "storages of control groups", 6, 2)
	testutil.CheckFDs(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out strings.Builder
	if err := run(ctx, &out); err != nil {
		t.Errorf("%v, after\n%s", err, out.String())
	}
	if out.String() != want && !t.Failed() {
		t.Errorf("output:\n%swant:\n%s", out.String(), want)
	}
}
