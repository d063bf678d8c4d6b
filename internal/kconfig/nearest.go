package kconfig

import (
	"io"

	"github.com/bpfgen/bpfgen/internal/nearest"
)

// Nearest helps with an option that isn't set. Off tells whether the
// configuration says so by name; otherwise near are up to max names in it that
// are most like the one asked for, best first, and none if nothing is like it.
func Nearest(config io.Reader, name string, max int) (near []string, off bool) {
	found := false
	near = nearest.Names(name, max, func(yield func(string) bool) {
		for opt, err := range options(config) {
			if err != nil {
				return
			}
			if string(opt.name) == name {
				found, off = true, opt.value == nil
				return
			}
			if !yield(string(opt.name)) {
				return
			}
		}
	})
	if found {
		return nil, off
	}
	return near, false
}
