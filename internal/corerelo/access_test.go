package corerelo

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestParseAccess(t *testing.T) {
	long := strings.Repeat("0:", maxAccess-1) + "7"
	for _, test := range []struct {
		in   string
		want []uint32
		err  error
	}{
		{in: "0", want: []uint32{0}},
		{in: "0:1:22", want: []uint32{0, 1, 22}},
		{in: "007", want: []uint32{7}},
		{in: "2147483647", want: []uint32{math.MaxInt32}},
		{in: long, want: append(make([]uint32, maxAccess-1), 7)},
		{in: "", err: errAccessEmpty},
		{in: long + ":0", err: errAccessLong},
		{in: "2147483648", err: errAccessRange},
		{in: "99999999999999999999999999", err: errAccessRange},
		{in: ":", err: errAccessDigits},
		{in: ":0", err: errAccessDigits},
		{in: "0:", err: errAccessDigits},
		{in: "0::1", err: errAccessDigits},
		{in: "-1", err: errAccessDigits},
		{in: "+1", err: errAccessDigits},
		{in: " 1", err: errAccessDigits},
		{in: "0x1", err: errAccessDigits},
		{in: "0:a", err: errAccessDigits},
		{in: "0:1\x00", err: errAccessDigits},
	} {
		got, err := parseAccess(nil, test.in)
		if !errors.Is(err, test.err) || !slices.Equal(got, test.want) {
			t.Errorf("parseAccess(%q) = %v, %v; want %v, %v", test.in, got, err, test.want, test.err)
		}
	}
}

// What is accepted consists of numbers, and these make up the string again.
func FuzzParseAccess(f *testing.F) {
	for _, seed := range []string{"0", "0:1:2", "2147483647:0", "0:1:", "", ":", "-1", "0:99999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		indices, err := parseAccess(nil, s)
		if err != nil {
			return
		}
		if len(indices) == 0 || len(indices) > maxAccess {
			t.Fatalf("%d indices", len(indices))
		}
		var parts []string
		for _, part := range strings.Split(s, ":") {
			if part = strings.TrimLeft(part, "0"); part == "" {
				part = "0"
			}
			parts = append(parts, part)
		}
		if got := strings.Trim(strings.ReplaceAll(fmt.Sprint(indices), " ", ":"), "[]"); got != strings.Join(parts, ":") {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
