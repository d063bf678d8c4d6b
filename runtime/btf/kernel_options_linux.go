package btf

import (
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// typesSince are the kernels that first understand a part of BTF.
var typesSince = []struct {
	since uapi.KernelVersion
	strip func(*MarshalOptions)
}{
	{uapi.KernelVersion{Major: 5, Minor: 0}, func(o *MarshalOptions) { o.ReplaceFunc = true }},
	{uapi.KernelVersion{Major: 5, Minor: 2}, func(o *MarshalOptions) { o.ReplaceDatasec = true }},
	{uapi.KernelVersion{Major: 5, Minor: 6}, func(o *MarshalOptions) { o.StripFuncLinkage = true }},
	{uapi.KernelVersion{Major: 5, Minor: 13}, func(o *MarshalOptions) { o.ReplaceFloat = true }},
	{uapi.KernelVersion{Major: 5, Minor: 16}, func(o *MarshalOptions) { o.ReplaceDeclTags = true }},
	{uapi.KernelVersion{Major: 5, Minor: 17}, func(o *MarshalOptions) { o.ReplaceTypeTags = true }},
	{uapi.KernelVersion{Major: 6, Minor: 0}, func(o *MarshalOptions) { o.ReplaceEnum64 = true }},
	{uapi.KernelVersion{Major: 6, Minor: 9}, func(o *MarshalOptions) { o.ReplaceQuestionMark = true }},
	{uapi.KernelVersion{Major: 6, Minor: 15}, func(o *MarshalOptions) { o.StripAttributes = true }},
}

// KernelMarshalOptions are the options for types that the running kernel shall
// take. They go by the kernel's version: a distribution that has backported
// parts of BTF is given less than it could take.
func KernelMarshalOptions() *MarshalOptions { return optionsFor(kernel.AtLeast) }

func optionsFor(atLeast func(uapi.KernelVersion) bool) *MarshalOptions {
	opts := &MarshalOptions{PreventNoTypeFound: true}
	for _, row := range typesSince {
		if !atLeast(row.since) {
			row.strip(opts)
		}
	}
	return opts
}
