package verifierlog

// A Report is what a log says about a rejected program.
type Report struct {
	// Reason is the complaint, "" if the log has none.
	Reason string
	// Details are the lines before and after the reason that belong to it.
	Details []string
	// Explanation and Suggestion are what Linux 7.3 and newer write in addition,
	// as running text. "" for other kernels, and for many reasons.
	Explanation, Suggestion string
	// Rule is the row of the table that knows the reason, or nil.
	Rule *Rule
	// Insn is the slot of the instruction that the reason is about, -1 if it is
	// about the program as a whole.
	Insn int
	// Related is the slot of an instruction that the reason refers to as well,
	// such as the one that took a reference. -1 if there is none.
	Related int
	// Registers are what the verifier knows of registers and stack before the
	// instruction, in the order that it prints them in.
	Registers []Register
	// Path are the conditional jumps on the way to the instruction, in order.
	Path []Jump
}

// A Register is a register, or a slot of the stack, and what is in it.
type Register struct {
	Name  string // "R1", "fp-8"
	State string // such as "map_value(map=values,ks=4,vs=32)"
}

// A Jump is a conditional jump, and where the path goes on.
type Jump struct {
	From, To int // slots of instructions
}

// Register returns the state of a register, "" if nothing is known.
func (r *Report) Register(name string) string {
	for i := range r.Registers {
		if r.Registers[i].Name == name {
			return r.Registers[i].State
		}
	}
	return ""
}
