package asm

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfgen/bpfgen/internal/digest"
)

// tagSize is how many bytes of the hash the kernel keeps.
const tagSize = 8

// Tag returns the tag of the program as kernels before 6.18 compute it, in hex.
// It is a hash of the instructions less the maps they refer to, for comparing
// with what the kernel says about a loaded program.
//
// Deprecated: Linux 6.18 uses another hash. HasTag knows both.
func (insns Instructions) Tag(bo binary.ByteOrder) (string, error) {
	code, err := insns.untagged(bo)
	if err != nil {
		return "", err
	}
	return sha1Tag(code), nil
}

// HasTag reports whether tag is what some kernel computes for insns.
func (insns Instructions) HasTag(tag string, bo binary.ByteOrder) (bool, error) {
	code, err := insns.untagged(bo)
	if err != nil {
		return false, err
	}
	return tag == sha256Tag(code) || tag == sha1Tag(code), nil
}

func sha1Tag(code []byte) string {
	sum := digest.SHA1(code)
	return fmt.Sprintf("%x", sum[:tagSize])
}

func sha256Tag(code []byte) string {
	sum := digest.SHA256(code)
	return fmt.Sprintf("%x", sum[:tagSize])
}

// untagged encodes insns with the constants of loads from maps cleared, since
// descriptors differ from load to load.
func (insns Instructions) untagged(bo binary.ByteOrder) ([]byte, error) {
	code, err := insns.encode(nil, bo, nil)
	if err != nil {
		return nil, fmt.Errorf("compute tag: %w", err)
	}
	off := uint64(0)
	for i := range insns {
		if insns[i].IsLoadFromMap() {
			clear(code[off+4 : off+InstructionSize])
			clear(code[off+InstructionSize+4 : off+2*InstructionSize])
		}
		off += insns[i].Size()
	}
	return code, nil
}
