package ebpf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bpfgen/bpfgen/internal/chain"
)

// refusedAlternative is the program that an error is about, if others can take
// its place, or "".
func (cs *CollectionSpec) refusedAlternative(err error, want selection) string {
	about, ok := chain.As[*programError](err)
	if !ok {
		return ""
	}
	for name := range want.alternatives {
		// Loading works with copies of specs.
		if ps := cs.Programs[name]; ps.Name == about.spec.Name && ps.SectionName == about.spec.SectionName {
			return name
		}
	}
	return ""
}

// without is the selection without a program, or why it can't be: of each group
// there has to be one.
func (s selection) without(name string, refused map[string]error) (selection, error) {
	group := s.alternatives[name]
	rest := s
	rest.programs = slices.DeleteFunc(slices.Clone(s.programs), func(n string) bool { return n == name })
	for _, n := range rest.programs {
		if s.alternatives[n] == group {
			return rest, nil
		}
	}
	var why strings.Builder
	var errs []error
	for _, n := range sortedKeys(s.alternatives) {
		if s.alternatives[n] == group {
			fmt.Fprintf(&why, "\n\t%v", refused[n])
			errs = append(errs, refused[n])
		}
	}
	return rest, &alternativesError{group, why.String(), errs}
}

// alternativesError is why no program of a group can be loaded.
type alternativesError struct {
	group string
	text  string
	errs  []error
}

func (e *alternativesError) Error() string {
	return fmt.Sprintf("none of the alternatives for %s can be loaded:%s", e.group, e.text)
}

func (e *alternativesError) Unwrap() []error { return e.errs }
