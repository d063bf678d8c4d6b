package asm_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"testing"

	. "github.com/bpfgen/bpfgen/runtime/asm"
)

// A tag is the start of a hash of the code, as if descriptors of maps were zero.
func TestTag(t *testing.T) {
	insns := Instructions{
		LoadMapPtr(R1, 5), LoadMapValue(R2, 6, 8), LoadImm(R3, 7, DWord), Call.Label("f"), Return(),
		Return().WithSymbol("f"),
	}
	hashed := Instructions{LoadMapPtr(R1, 0), LoadMapValue(R2, 0, 0)}
	hashed = append(hashed, insns[2:]...)
	for _, bo := range byteOrders {
		code := encode(t, hashed, bo)
		old, now := sha1.Sum(code), sha256.Sum256(code)
		want := hex.EncodeToString(old[:8])
		if got, err := insns.Tag(bo); got != want || err != nil {
			t.Errorf("%v: got %s, want %s, error %v", bo, got, want, err)
		}
		for _, tag := range []string{want, hex.EncodeToString(now[:8])} {
			if ok, err := insns.HasTag(tag, bo); !ok || err != nil {
				t.Errorf("%v: hasn't %s, error %v", bo, tag, err)
			}
		}
		if ok, _ := insns.HasTag("0123456789abcdef", bo); ok {
			t.Error("has any tag")
		}
	}
	if _, err := insns[:4].Tag(binary.LittleEndian); !errors.Is(err, ErrUnsatisfiedProgramReference) {
		t.Errorf("without the function: %v", err)
	}
	closed := Instructions{LoadMapPtr(R1, 0).WithReference("m")}
	if _, err := closed.Tag(binary.LittleEndian); err != nil {
		t.Errorf("without the map: %v", err)
	}
}
