package kconfig

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = `#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 6.18.0 Kernel Configuration
#
CONFIG_CC_VERSION_TEXT="gcc (Debian 14.2.0-19) 14.2.0"
CONFIG_64BIT=y
CONFIG_VETH=m
# CONFIG_COMPILE_TEST is not set
# nothing of the kind is not set
CONFIG_HZ=250
CONFIG_PHYSICAL_ALIGN=0x200000
CONFIG_CMDLINE="quiet a=b \"c\""
CONFIG_EMPTY=""
CONFIG_HZ=1000
`

func compressed(t testing.TB, text string) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestFind(t *testing.T) {
	names := []string{
		"CONFIG_HZ", "CONFIG_64BIT", "CONFIG_VETH", "CONFIG_COMPILE_TEST", "CONFIG_MISSING",
		"CONFIG_PHYSICAL_ALIGN", "CONFIG_CMDLINE", "CONFIG_EMPTY", "CONFIG_CC_VERSION_TEXT", "CONFIG_H", "CONFIG_HZ_",
	}
	want := []string{
		"250", "y", "m", "", "",
		"0x200000", `"quiet a=b \"c\""`, `""`, `"gcc (Debian 14.2.0-19) 14.2.0"`, "", "",
	}
	for name, config := range map[string][]byte{
		"plain":       []byte(sample),
		"compressed":  compressed(t, sample),
		"DOS":         []byte(strings.ReplaceAll(sample, "\n", "\r\n")),
		"no newline":  []byte(strings.TrimSuffix(sample, "\n")),
		"blank lines": []byte(strings.ReplaceAll(sample, "\n", " \n\n")),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Find(bytes.NewReader(config), names)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFindReadsNoFurtherThanItHasTo(t *testing.T) {
	const text = "CONFIG_A=y\nCONFIG_B\n"
	if got, err := Find(strings.NewReader(text), []string{"CONFIG_A"}); err != nil || got[0] != "y" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := Find(strings.NewReader(""), nil); err != nil || len(got) != 0 {
		t.Errorf("got %q, %v", got, err)
	}
}

// endless is text without end.
type endless string

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], e)
	}
	return n, nil
}

func TestFindRejects(t *testing.T) {
	whole := compressed(t, sample)
	for name, test := range map[string]struct {
		config io.Reader
		want   string
	}{
		"option without value":  {strings.NewReader("CONFIG_A=y\nCONFIG_B\n"), `line 2: "CONFIG_B" has no value`},
		"option with no value":  {strings.NewReader("CONFIG_A=\n"), `line 1: "CONFIG_A=" has no value`},
		"a line without end":    {endless("x"), "line 1: longer than 65536 bytes"},
		"lines without end":     {endless("CONFIG_Z=y\nCONFIG_Y=m\n# x\n\n"), "more than 16 MiB"},
		"cut compressed file":   {bytes.NewReader(whole[:len(whole)/2]), "unexpected EOF"},
		"broken compressed one": {strings.NewReader("\x1f\x8b\x00\x00\x00\x00\x00\x00\x00\x00"), "not compressed by gzip, or damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Find(test.config, []string{"CONFIG_MISSING"})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	const text = `CONFIG_BPF=y
CONFIG_BPF_SYSCALL=y
CONFIG_BPF_LSM=y
# CONFIG_BPF_PRELOAD is not set
CONFIG_HAVE_SYSCALL_TRACEPOINTS=y
`
	for _, test := range []struct {
		name string
		near []string
		off  bool
	}{
		{name: "CONFIG_BFP_SYSCALL", near: []string{"CONFIG_BPF_SYSCALL"}},
		{name: "CONFIG_BPFS", near: []string{"CONFIG_BPF", "CONFIG_BPF_LSM"}},
		{name: "CONFIG_BPF_PRELOADS", near: []string{"CONFIG_BPF_PRELOAD"}},
		{name: "CONFIG_BPF_LSN", near: []string{"CONFIG_BPF_LSM"}},
		{name: "CONFIG_BPF_PRELOAD", off: true},
		{name: "CONFIG_BPF"},
		{name: "CONFIG_UNLIKE_ANYTHING_ELSE"},
		{name: "CONFIG_" + strings.Repeat("LONG_", 1000)},
	} {
		near, off := Nearest(strings.NewReader(text), test.name, 3)
		if diff := cmp.Diff(test.near, near); diff != "" || off != test.off {
			t.Errorf("%.40s: off %t; %s", test.name, off, diff)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte(sample))
	f.Add(compressed(f, sample))
	f.Add([]byte("CONFIG_HZ=1\r\n# CONFIG_64BIT is not set\n"))
	f.Add([]byte("CONFIG_=\n"))
	f.Fuzz(func(t *testing.T, config []byte) {
		names := []string{"CONFIG_HZ", "CONFIG_CMDLINE"}
		values, err := Find(bytes.NewReader(config), names)
		if err != nil {
			return
		}
		// What was found is found again in the text that says it.
		var text strings.Builder
		for i, name := range names {
			if values[i] == "" {
				Nearest(bytes.NewReader(config), name, 3)
				continue
			}
			text.WriteString(name + "=" + values[i] + "\n")
		}
		again, err := Find(strings.NewReader(text.String()), names)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(values, again); diff != "" {
			t.Error(diff)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	text := strings.Repeat(sample, 1000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Find(strings.NewReader(text), []string{"CONFIG_MISSING"}); err != nil {
			b.Fatal(err)
		}
	}
}
