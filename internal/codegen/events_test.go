package codegen

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const eventSource = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#define EVENT(type) __attribute__((btf_decl_tag("bpfgen:event=" #type)))
struct event { __u64 number; };
struct other { __u32 number; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } tagged SEC(".maps") EVENT(event);
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } perf_events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); } array SEC(".maps");
struct event e;
struct other o;
SEC("socket") int f(void *ctx) {
	return bpf_ringbuf_output(&ring, &e, sizeof(e), 0) + bpf_ringbuf_output(&tagged, &o, sizeof(o), 0);
}
char _license[] SEC("license") = "GPL";
`

// The type of events comes from a flag, or from a tag, which the flag overrides.
func TestEventTypes(t *testing.T) {
	for _, c := range []struct {
		events string
		fields []string
		err    string
	}{
		{"", []string{"Ring *ebpf.Map", "Tagged ringbuf.Events[TEvent]", "PerfEvents *ebpf.Map"}, ""},
		{"ring=other", []string{"Ring ringbuf.Events[TOther]", "Tagged ringbuf.Events[TEvent]"}, ""},
		{"tagged=other,perf_events=event", []string{"Tagged ringbuf.Events[TOther]", "PerfEvents perf.Events[TEvent]"}, ""},
		{"perf_events=__u32", []string{"PerfEvents perf.Events[uint32]"}, ""},
		{"rings=event", nil, "in.bpf.c: -event rings=event: the object has no map rings"},
		{"array=event", nil, "in.bpf.c: map array: its type is Array, which has no events"},
		{"ring=nothing", nil, "in.bpf.c: events of map ring: type nothing: the object doesn't have it; clang only keeps types that the program uses"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "in.bpf.c"), []byte(eventSource), 0o600); err != nil {
			t.Fatal(err)
		}
		req := request(t, dir, "T")
		req.Targets = req.Targets[:1]
		for _, event := range strings.FieldsFunc(c.events, func(r rune) bool { return r == ',' }) {
			r, err := ParseEventRequest(event)
			if err != nil {
				t.Fatal(err)
			}
			req.Events = append(req.Events, r)
		}
		result, err := Generate(t.Context(), req)
		if err != nil || c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%s:\n got %v\nwant %s\n%s", c.events, err, c.err, messagesOf(err))
			}
			continue
		}
		var code string
		for _, file := range result.Files {
			if filepath.Ext(file.Path) == ".go" {
				code = strings.Join(strings.Fields(string(file.Data)), " ")
				typeCheck(t, filepath.Base(file.Path), file.Data)
			}
		}
		for _, field := range c.fields {
			if !strings.Contains(code, field+" `ebpf:") {
				t.Errorf("%q: no field %s", c.events, field)
			}
		}
	}
}

func TestParseEventRequest(t *testing.T) {
	for _, bad := range []string{"", "events", "=", "events=", "=event", "e-v=event", "events=struct event", "events=e=f"} {
		if r, err := ParseEventRequest(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, r)
		}
	}
}
