package ebpf

import (
	"errors"
	"fmt"
	"strings"
)

// Report says what became of each program of a spec: which were loaded, which
// nobody asked for, and which of several alternatives was chosen, and why. It
// comes from LoadAndReport. Choose adds to it, which may not run at the same
// time as other methods.
type Report struct {
	// Programs are in the order of their names.
	Programs []ProgramReport
}

// ProgramReport is what became of a program.
type ProgramReport struct {
	Name    string // in the collection
	Section string // of the object file
	// Alternative is the group that the program belongs to, if any.
	Alternative string
	State       ProgramState
	// Err is why the program couldn't be loaded or attached.
	Err error
}

// ProgramState is what became of a program.
type ProgramState uint8

// What becomes of programs.
const (
	ProgramLoaded       ProgramState = iota // it is in the kernel
	ProgramNotAskedFor                      // it is optional, and nothing needs it
	ProgramLoadFailed                       // it can't be loaded, but there are alternatives
	ProgramAttachFailed                     // it can't be attached, but there are alternatives
	ProgramNotNeeded                        // another alternative is attached
	ProgramChosen                           // it is the alternative that is attached
)

var programStates = [...]string{
	ProgramLoaded:       "loaded",
	ProgramNotAskedFor:  "not asked for",
	ProgramLoadFailed:   "load failed",
	ProgramAttachFailed: "attach failed",
	ProgramNotNeeded:    "not needed",
	ProgramChosen:       "chosen",
}

// String is the state in words.
func (s ProgramState) String() string {
	if int(s) < len(programStates) {
		return programStates[s]
	}
	return fmt.Sprintf("ProgramState(%d)", uint8(s))
}

// String has a line for each program.
func (r *Report) String() string {
	if r == nil {
		return ""
	}
	var b strings.Builder
	for i := range r.Programs {
		p := &r.Programs[i]
		fmt.Fprintf(&b, "%s SEC(%q)", p.Name, p.Section)
		if p.Alternative != "" {
			fmt.Fprintf(&b, ", alternative for %s", p.Alternative)
		}
		fmt.Fprintf(&b, ": %s", p.State)
		if p.Err != nil {
			fmt.Fprintf(&b, ": %v", p.Err)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Program is what became of a program, nil if there is none of that name.
func (r *Report) Program(name string) *ProgramReport {
	if r == nil {
		return nil
	}
	for i := range r.Programs {
		if r.Programs[i].Name == name {
			return &r.Programs[i]
		}
	}
	return nil
}

func (r *Report) set(name string, state ProgramState, err error) {
	if p := r.Program(name); p != nil {
		p.State, p.Err = state, err
	}
}

// newReport is about what was loaded of cs.
func newReport(cs *CollectionSpec, coll *Collection) *Report {
	r := &Report{Programs: make([]ProgramReport, 0, len(cs.Programs))}
	for _, name := range sortedKeys(cs.Programs) {
		ps := cs.Programs[name]
		p := ProgramReport{Name: name, Section: ps.SectionName, Alternative: ps.Alternative, State: ProgramNotAskedFor}
		switch {
		case coll.Programs[name] != nil:
			p.State = ProgramLoaded
		case coll.refused[name] != nil:
			p.State, p.Err = ProgramLoadFailed, coll.refused[name]
		}
		r.Programs = append(r.Programs, p)
	}
	return r
}

// Alternative is a program that Choose can choose.
type Alternative struct {
	Name    string       // in the collection
	Program **Program    // the field that has it: nil in there if it wasn't loaded
	Attach  func() error // attaches it
}

// Choose attaches the first alternative of a group that attaches. The others are
// closed, and their fields set to nil. If none attaches, none is closed, and the
// error says why of each. It does nothing if none was loaded.
//
// r may be nil, of objects that have no report.
func (r *Report) Choose(group string, alternatives ...Alternative) error {
	var errs []error
	tried := false
	for i, a := range alternatives {
		if *a.Program == nil {
			if p := r.Program(a.Name); p != nil && p.Err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", a.Name, p.Err))
			}
			continue
		}
		tried = true
		if err := a.Attach(); err != nil {
			r.set(a.Name, ProgramAttachFailed, err)
			errs = append(errs, err)
			continue
		}
		r.set(a.Name, ProgramChosen, nil)
		r.closeOthers(alternatives, i)
		return nil
	}
	if !tried {
		return nil
	}
	return fmt.Errorf("none of the alternatives for %s can be attached:\n%w", group, errors.Join(errs...))
}

// closeOthers closes all but the chosen alternative.
func (r *Report) closeOthers(alternatives []Alternative, chosen int) {
	for i, a := range alternatives {
		if i == chosen || *a.Program == nil {
			continue
		}
		if p := r.Program(a.Name); p != nil && p.Err == nil {
			p.State = ProgramNotNeeded
		}
		_ = (*a.Program).Close() // what only held a program has no failure worth knowing
		*a.Program = nil
	}
}
