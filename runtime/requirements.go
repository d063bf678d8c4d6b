package ebpf

// Requirements is what an object needs to run. Generated code has it, found by
// bpfgen in what the object uses; what the C guards by asking the kernel first
// doesn't count.
type Requirements struct {
	// MinKernel is the oldest mainline kernel that has everything, such as
	// "5.8": a lower bound. A newer one may refuse the object for other
	// reasons, and distributions add features to older ones. It is empty if
	// nothing is known to need a particular kernel.
	MinKernel string

	// Because is what needs that kernel, with its line in C.
	Because string

	// Capabilities are what loading takes, by name: "CAP_BPF". Before Linux 5.8
	// they are all CAP_SYS_ADMIN.
	Capabilities []string

	// Config are the options that the kernel must have been built with:
	// "CONFIG_BPF_SYSCALL".
	Config []string
}
