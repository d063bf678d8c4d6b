package asm

import (
	"fmt"
	"strings"
)

// BuiltinFunc is a helper: a function that the kernel offers to programs by
// number.
type BuiltinFunc uint32

// helper is a row of the helpers table.
type helper struct {
	name         string
	major, minor uint8
}

// BuiltinFuncForPlatform returns the helper of that number, known or not, on a
// platform. The only platform is "linux".
func BuiltinFuncForPlatform(plat string, value uint32) (BuiltinFunc, error) {
	if err := checkPlatform(plat); err != nil {
		return 0, fmt.Errorf("helper %d: %w", value, err)
	}
	return BuiltinFunc(value), nil
}

func checkPlatform(plat string) error {
	if plat != "linux" {
		return fmt.Errorf("platform %q isn't supported, use \"linux\"", plat)
	}
	return nil
}

// Call emits a call of the helper.
func (fn BuiltinFunc) Call() Instruction {
	return Instruction{OpCode: Call.Op(ImmSource), Constant: int64(fn)}
}

// MinKernel returns the first Linux version with the helper, or 0, 0 if the
// helper isn't known.
func (fn BuiltinFunc) MinKernel() (major, minor int) {
	if int64(fn) >= int64(len(helpers)) {
		return 0, 0
	}
	return int(helpers[fn].major), int(helpers[fn].minor)
}

// Name returns the helper's name in C, such as "bpf_map_lookup_elem", or "" if
// the helper isn't known.
func (fn BuiltinFunc) Name() string {
	if int64(fn) >= int64(len(helpers)) {
		return ""
	}
	return "bpf_" + helpers[fn].name
}

// String returns the name of the constant, such as "FnMapLookupElem".
func (fn BuiltinFunc) String() string {
	if int64(fn) >= int64(len(helpers)) {
		return fmt.Sprintf("BuiltinFunc(%d)", uint32(fn))
	}
	var b strings.Builder
	b.WriteString("Fn")
	for word := range strings.SplitSeq(helpers[fn].name, "_") {
		b.WriteByte(word[0] - 'a' + 'A') // names of helpers are lower case
		b.WriteString(word[1:])
	}
	return b.String()
}
