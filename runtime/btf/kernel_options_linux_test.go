package btf

import (
	"testing"

	"github.com/bpfgen/bpfgen/internal/uapi"
)

func TestOptionsForKernels(t *testing.T) {
	linux := func(major, minor uint8) func(uapi.KernelVersion) bool {
		running := uapi.KernelVersion{Major: major, Minor: minor}
		return func(v uapi.KernelVersion) bool { return !running.Less(v) }
	}
	for _, c := range []struct {
		major, minor uint8
		want         MarshalOptions
	}{
		{6, 18, MarshalOptions{}},
		{5, 15, MarshalOptions{ReplaceDeclTags: true, ReplaceTypeTags: true, ReplaceEnum64: true, ReplaceQuestionMark: true, StripAttributes: true}},
		{4, 19, MarshalOptions{
			ReplaceFunc: true, ReplaceDatasec: true, StripFuncLinkage: true, ReplaceFloat: true,
			ReplaceDeclTags: true, ReplaceTypeTags: true, ReplaceEnum64: true, ReplaceQuestionMark: true, StripAttributes: true,
		}},
	} {
		c.want.PreventNoTypeFound = true
		if got := optionsFor(linux(c.major, c.minor)); *got != c.want {
			t.Errorf("Linux %d.%d: got %+v, want %+v", c.major, c.minor, *got, c.want)
		}
	}
}
