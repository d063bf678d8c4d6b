package kernel

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func isTCP(name []byte) bool { return bytes.HasPrefix(name, []byte("tcp_")) }

func TestFunctionAddresses(t *testing.T) {
	for _, test := range []struct {
		text string
		want []uintptr
		err  string
	}{
		{text: "ff10 tcp_ack\nff20 udp_rcv\nff30 tcp_v4_rcv [ipv4]\n", want: []uintptr{0xff10, 0xff30}},
		{text: "ff10 udp_rcv\n"},
		{text: "0000 tcp_ack\n0000 udp_rcv\n", err: ErrSymbolsHidden.Error()},
		{text: "tcp_ack\n", err: "malformed line \"tcp_ack"},
	} {
		got, err := readFunctionAddresses(strings.NewReader(test.text), isTCP)
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q: %v", test.text, err)
		}
		if err == nil && !slices.Equal(got, test.want) {
			t.Errorf("%q: %#x", test.text, got)
		}
	}
}

// Data of the same name is no function; what link-time optimisation adds to a
// name doesn't count.
func TestFunctionAddressesFromSymbols(t *testing.T) {
	symbols := "ff10 T tcp_ack\nff20 d tcp_ack\nff30 t tcp_push.llvm.123\nff40 t tcp_other\nff50 W tcp_weak\nff60 t tcp_ack\t[module]\n"
	names := map[string]bool{"tcp_ack": true, "tcp_push": true, "tcp_weak": true}
	got, err := addressesOf(strings.NewReader(symbols), names)
	if want := []uintptr{0xff10, 0xff30, 0xff50, 0xff60}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%#x, %v", got, err)
	}
	if _, err := addressesOf(strings.NewReader("0 t tcp_ack\n"), names); !errors.Is(err, ErrSymbolsHidden) {
		t.Errorf("hidden: %v", err)
	}
}
