package link

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/bpfgen/bpfgen/internal/executable"
)

// usdtLayout is where struct __bpf_usdt_spec of <bpf/usdt.bpf.h> has its
// members: arguments, cookie, number of arguments. Those of arguments are
// offsets in each.
type usdtLayout struct {
	size                  uint32
	argSize               int
	register, signed, bit int
	index                 int // zero if programs can't read usdtIndexedMem
}

const usdtMaxArgs = 12

// usdtLayouts: libbpf 1.7 made room for a second register.
var usdtLayouts = [...]usdtLayout{
	{size: usdtMaxArgs*16 + 16, argSize: 16, register: 12, signed: 14, bit: 15},
	{size: usdtMaxArgs*24 + 16, argSize: 24, register: 14, signed: 16, bit: 17, index: 10},
}

// enum __bpf_usdt_arg_type.
const (
	usdtConst      = iota // value is the argument
	usdtRegister          // a register is
	usdtMemory            // it is at a register plus value
	usdtIndexedMem        // it is at a register plus a scaled one plus value
)

// usdtArg is where an argument is.
type usdtArg struct {
	size     int // in bytes; negative if signed
	kind     uint8
	value    int64
	register uint16 // offset in struct pt_regs
	index    uint16 // the same, of the scaled register
	scale    uint8  // as a shift
}

// put writes struct __bpf_usdt_arg_spec.
func (a usdtArg) put(b []byte, at usdtLayout) {
	binary.LittleEndian.PutUint64(b, uint64(a.value))
	b[8] = a.kind
	if at.index != 0 {
		binary.LittleEndian.PutUint16(b[at.index:], a.index|uint16(a.scale)<<12)
	}
	binary.LittleEndian.PutUint16(b[at.register:], a.register)
	size := a.size
	if size < 0 {
		b[at.signed], size = 1, -size
	}
	b[at.bit] = uint8(64 - 8*size)
}

// spec is the struct __bpf_usdt_spec for a probe.
func (p *usdtProbe) spec(at usdtLayout, cookie uint64) ([]byte, error) {
	args, err := parseUSDTArgs(p.machine, p.args)
	if err != nil {
		return nil, err
	}
	spec := make([]byte, at.size)
	for i, a := range args {
		if a.kind == usdtIndexedMem && at.index == 0 {
			return nil, fmt.Errorf("argument %d of the probe (%s) needs <bpf/usdt.bpf.h> of libbpf 1.7: %w", i+1, p.args, ErrNotSupported)
		}
		a.put(spec[i*at.argSize:], at)
	}
	binary.LittleEndian.PutUint64(spec[usdtMaxArgs*at.argSize:], cookie)
	binary.LittleEndian.PutUint16(spec[usdtMaxArgs*at.argSize+8:], uint16(len(args)))
	return spec, nil
}

// parseUSDTArgs reads what the assembler wrote down.
func parseUSDTArgs(machine uint16, text string) ([]usdtArg, error) {
	parse, ok := map[uint16]func(string) (usdtArg, bool){
		executable.MachineX86_64: parseArgX86, executable.MachineAArch64: parseArgARM64,
	}[machine]
	if !ok {
		return nil, fmt.Errorf("arguments of probes for machine %d: %w", machine, ErrNotSupported)
	}
	var args []usdtArg
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		var word string
		word, text = cutArg(text)
		size, place, found := strings.Cut(word, "@")
		bytes, err := strconv.Atoi(size)
		arg, ok := parse(place)
		if !found || err != nil || !ok || bytes > 8 || bytes < -8 || bits.OnesCount(uint(max(bytes, -bytes))) != 1 {
			return nil, fmt.Errorf("argument %d of the probe is at %q, which isn't understood: %w", len(args)+1, word, ErrNotSupported)
		}
		if len(args) == usdtMaxArgs {
			return nil, fmt.Errorf("the probe has more than %d arguments: %w", usdtMaxArgs, ErrNotSupported)
		}
		arg.size = bytes
		args = append(args, arg)
	}
	return args, nil
}

// cutArg cuts off the first argument: spaces in brackets don't end it.
func cutArg(text string) (word, rest string) {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case ' ':
			if depth <= 0 {
				return text[:i], text[i:]
			}
		}
	}
	return text, ""
}

// parseArgX86 reads "$5", "%eax", "-8(%rbp)" or "8(%rax,%rcx,4)".
func parseArgX86(place string) (arg usdtArg, ok bool) {
	if number, is := strings.CutPrefix(place, "$"); is {
		value, err := strconv.ParseInt(number, 0, 64)
		return usdtArg{kind: usdtConst, value: value}, err == nil
	}
	if name, is := strings.CutPrefix(place, "%"); is {
		arg.kind = usdtRegister
		arg.register, ok = x86Register(name)
		return arg, ok
	}
	offset, inside, found := strings.Cut(place, "(")
	inside, closed := strings.CutSuffix(inside, ")")
	if !found || !closed {
		return usdtArg{}, false
	}
	arg.kind = usdtMemory
	if offset != "" {
		var err error
		if arg.value, err = strconv.ParseInt(offset, 0, 64); err != nil {
			return usdtArg{}, false
		}
	}
	parts := strings.Split(inside, ",")
	if len(parts) > 3 {
		return usdtArg{}, false
	}
	if arg.register, ok = x86Register(strings.TrimPrefix(strings.TrimSpace(parts[0]), "%")); !ok || len(parts) == 1 {
		return arg, ok
	}
	arg.kind = usdtIndexedMem
	if len(parts) == 3 {
		shift, known := map[string]uint8{"1": 0, "2": 1, "4": 2, "8": 3}[strings.TrimSpace(parts[2])]
		if !known {
			return usdtArg{}, false
		}
		arg.scale = shift
	}
	arg.index, ok = x86Register(strings.TrimPrefix(strings.TrimSpace(parts[1]), "%"))
	return arg, ok
}

// x86Registers are families of names, in the order of struct pt_regs; an empty
// one is a member that no argument is in.
var x86Registers = [...]string{
	"r15 r15d r15w r15b", "r14 r14d r14w r14b", "r13 r13d r13w r13b", "r12 r12d r12w r12b", "rbp ebp bp bpl", "rbx ebx bx bl",
	"r11 r11d r11w r11b", "r10 r10d r10w r10b", "r9 r9d r9w r9b", "r8 r8d r8w r8b", "rax eax ax al", "rcx ecx cx cl",
	"rdx edx dx dl", "rsi esi si sil", "rdi edi di dil", "", "rip eip", "", "", "rsp esp sp spl",
}

// x86Register is the offset of a register in struct pt_regs.
func x86Register(name string) (uint16, bool) {
	for i, names := range x86Registers {
		for n := range strings.FieldsSeq(names) {
			if n == name {
				return uint16(8 * i), true
			}
		}
	}
	return 0, false
}

// parseArgARM64 reads "5", "x0", "[sp]", "[x1, 16]" or "[x1, -16]".
func parseArgARM64(place string) (arg usdtArg, ok bool) {
	if value, err := strconv.ParseInt(place, 0, 64); err == nil {
		return usdtArg{kind: usdtConst, value: value}, true
	}
	inside, bracket := strings.CutPrefix(place, "[")
	if !bracket {
		arg.kind = usdtRegister
		arg.register, ok = arm64Register(place)
		return arg, ok
	}
	inside, closed := strings.CutSuffix(inside, "]")
	register, offset, more := strings.Cut(inside, ",")
	arg.kind = usdtMemory
	if more {
		var err error
		if arg.value, err = strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(offset), "#"), 0, 64); err != nil {
			return usdtArg{}, false
		}
	}
	arg.register, ok = arm64Register(strings.TrimSpace(register))
	return arg, ok && closed
}

// arm64Register is the offset of a register in struct user_pt_regs.
func arm64Register(name string) (uint16, bool) {
	if name == "sp" {
		return 31 * 8, true
	}
	if name == "" || name[0] != 'x' && name[0] != 'w' {
		return 0, false
	}
	n, err := strconv.ParseUint(name[1:], 10, 8)
	return uint16(8 * n), err == nil && n <= 30
}
