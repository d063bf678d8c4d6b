package object

import "strings"

// Declaration tags, __attribute__((btf_decl_tag("..."))), that mean something to
// us. What follows each is a name.
const (
	tagAlternative = "bpfgen:alt="   // of a program: the group that it belongs to
	tagEvent       = "bpfgen:event=" // of a map: the C type of its events
)

// Alternative is the name of the group of programs of which only one is wanted,
// the first that loads and attaches; "" for programs without alternatives.
func (p *Program) Alternative() string { return tagValue(p.Tags, tagAlternative) }

// Event is the name of the C type of the events in a ring buffer or perf event
// array, "" if no tag says it.
func (m *Map) Event() string { return tagValue(m.Tags, tagEvent) }

// SetEvent is as if there were a tag for the C type of the events.
func (m *Map) SetEvent(name string) { m.Tags = append([]string{tagEvent + name}, m.Tags...) }

func tagValue(tags []string, prefix string) string {
	for _, tag := range tags {
		if value, ok := strings.CutPrefix(tag, prefix); ok {
			return value
		}
	}
	return ""
}
