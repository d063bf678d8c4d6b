package asm

import "strconv"

// Register is the source or destination of most operations.
type Register uint8

// R0 contains return values.
const R0 Register = 0

// Registers for function arguments.
const (
	R1 Register = R0 + 1 + iota
	R2
	R3
	R4
	R5
)

// Callee saved registers preserved by function calls.
const (
	R6 Register = R5 + 1 + iota
	R7
	R8
	R9
)

// Read-only frame pointer to access stack.
const (
	R10 Register = R9 + 1
	RFP          = R10
)

// What the source register of a 64-bit load, a call or a JCOND says about its
// constant (BPF_PSEUDO_* and BPF_MAY_GOTO of the UAPI).
const (
	PseudoMapFD       = R1 // the constant is a map's descriptor
	PseudoMapValue    = R2 // a map's descriptor, and an offset into its first value
	PseudoBtfId       = R3 // the BTF ID of a kernel variable, and a module's BTF descriptor
	PseudoFunc        = R4 // the distance to a function of this program
	PseudoMapIdx      = R5 // an index into the load's fd_array, of a map. Linux 5.14
	PseudoMapIdxValue = R6 // the same, and an offset into its first value. Linux 5.14
	PseudoCall        = R1 // the distance to a function of this program
	PseudoKfuncCall   = R2 // the BTF ID of a kernel function
	PseudoMayGoto     = R0 // a JCOND that is may_goto
)

// maxRegister is what fits the four bits that an instruction has for a register.
const maxRegister = 15

// String returns the name that assembly and verifier logs use, such as "r1".
func (r Register) String() string { return "r" + strconv.Itoa(int(r)) }
