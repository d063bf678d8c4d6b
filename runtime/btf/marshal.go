package btf

import (
	"encoding/binary"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
)

// MarshalOptions adapt a blob to what an older kernel accepts. What a kernel
// doesn't know is replaced by something of the same size that it does know, so
// that IDs and layouts stay the same. The zero value changes nothing.
type MarshalOptions struct {
	// Byte order of the blob, native if nil.
	Order binary.ByteOrder
	// Replace variables and sections. For Linux before 5.2.
	ReplaceDatasec bool
	// Replace functions and their prototypes. For Linux before 5.0.
	ReplaceFunc bool
	// Make all functions static. For Linux before 5.6.
	StripFuncLinkage bool
	// Replace floating point numbers by anonymous structs. For Linux before 5.13.
	ReplaceFloat bool
	// Replace decl tags by integers. For Linux before 5.16.
	ReplaceDeclTags bool
	// Replace type tags by const. For Linux before 5.17.
	ReplaceTypeTags bool
	// Replace 64-bit enums by unions and make enums unsigned. For Linux before 6.0.
	ReplaceEnum64 bool
	// Replace a leading question mark in the names of sections. For Linux before 6.9.
	ReplaceQuestionMark bool
	// Turn tags that are attributes into plain ones. For Linux before 6.15.
	StripAttributes bool
	// Add a placeholder to an empty blob, which kernels refuse.
	PreventNoTypeFound bool
}

func (o *MarshalOptions) replacements() rawbtf.Replace {
	var r rawbtf.Replace
	for _, row := range []struct {
		on   bool
		what rawbtf.Replace
	}{
		{o.ReplaceDatasec, rawbtf.ReplaceDatasec},
		{o.ReplaceFunc, rawbtf.ReplaceFunc},
		{o.StripFuncLinkage, rawbtf.StripFuncLinkage},
		{o.ReplaceFloat, rawbtf.ReplaceFloat},
		{o.ReplaceDeclTags, rawbtf.ReplaceDeclTags},
		{o.ReplaceTypeTags, rawbtf.ReplaceTypeTags},
		{o.ReplaceEnum64, rawbtf.ReplaceEnum64},
		{o.ReplaceQuestionMark, rawbtf.ReplaceQuestionMark},
		{o.StripAttributes, rawbtf.StripAttributes},
	} {
		if row.on {
			r |= row.what
		}
	}
	return r
}
