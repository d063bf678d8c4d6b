// Package protocol is what the two ends of a virtual machine say to each other:
// a Job goes in, in the initramfs, and Events come out, one line of JSON each.
package protocol

// JobFile is where the guest finds its Job.
const JobFile = "/vmtest/job.json"

// PortName is the virtio-serial port that Events go through.
const PortName = "vmtest"

// Job is what a machine is to do, in order.
type Job struct {
	// Modules are kernel modules to load first, as those of the port.
	Modules []string
	Runs    []Run
}

// Run is one program to run.
type Run struct {
	Name    string   // for Events
	Dir     string   // working directory
	Args    []string // program first
	Seconds int      // until it is killed
}

// The kinds of Event.
const (
	Up     = "up"     // the guest has started
	Start  = "start"  // of a Run
	Output = "output" // of a Run, both streams
	Exit   = "exit"   // of a Run
	Fail   = "fail"   // the guest can't go on
	Done   = "done"   // all Runs are over; the machine switches itself off
)

// Event is something that happened in the guest.
type Event struct {
	Kind string
	Run  string  `json:",omitempty"` // Start, Output, Exit
	Text string  `json:",omitempty"` // Output, Fail; Up: the kernel's release
	Code int     `json:",omitempty"` // Exit: 128 and the signal's number, 124 after too long
	Took float64 `json:",omitempty"` // Exit: seconds
}
