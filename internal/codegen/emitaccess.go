package codegen

import (
	"fmt"

	"github.com/dave/jennifer/jen"
)

// emitAccessor declares the two methods of a member that is no field.
func emitAccessor(f *jen.File, typ string, a Accessor) {
	get, set := a.copyOut(), a.copyIn()
	if a.Bits > 0 {
		get, set = a.bitsOut(), a.bitsIn()
	}
	docComment(f, fmt.Sprintf("%s returns the C member %s.", a.Get, a.C))
	f.Func().Params(jen.Id("s").Op("*").Id(typ)).Id(a.Get).Params().Params(jen.Id("v").Add(typeCode(a.Type))).Block(get...)

	docComment(f, fmt.Sprintf("%s sets the C member %s.", a.Set, a.C))
	f.Func().Params(jen.Id("s").Op("*").Id(typ)).Id(a.Set).Params(jen.Id("v").Add(typeCode(a.Type))).Block(set...)
}

// window is the part of the storage that holds a member of n bytes.
func (a Accessor) window(n uint32) *jen.Statement {
	return jen.Id("s").Dot(a.Storage).Index(jen.Lit(int(a.Offset)).Op(":").Lit(int(a.Offset + n)))
}

// asBytes is v as an array of bytes. Bytes have no alignment, so that this is
// right for any storage.
func (a Accessor) asBytes() *jen.Statement {
	return jen.Parens(jen.Op("*").Add(typeCode(bytesType(a.Type.Size)))).Parens(jen.Qual("unsafe", "Pointer").Call(jen.Op("&").Id("v")))
}

func (a Accessor) copyOut() []jen.Code {
	return []jen.Code{
		jen.Op("*").Add(a.asBytes()).Op("=").Add(typeCode(bytesType(a.Type.Size))).Parens(a.window(a.Type.Size)),
		jen.Return(jen.Id("v")),
	}
}

func (a Accessor) copyIn() []jen.Code {
	return []jen.Code{jen.Copy(a.window(a.Type.Size), a.asBytes().Index(jen.Op(":")))}
}

// bitWindow says where in which bytes a bitfield is.
type bitWindow struct {
	first, count uint32 // bytes of the storage
	shift        uint32 // of the value in the number that these bytes are
	mask         uint64 // of the value, unshifted
	bigEndian    bool
}

func (a Accessor) bitWindow() bitWindow {
	w := bitWindow{first: a.BitOffset / 8, mask: 1<<a.Bits - 1, bigEndian: a.BigEndian}
	w.count = (a.BitOffset%8 + a.Bits + 7) / 8
	w.shift = a.BitOffset % 8
	if w.bigEndian {
		w.shift = w.count*8 - a.BitOffset%8 - a.Bits
	}
	return w
}

func shifted(x *jen.Statement, op string, by uint32) *jen.Statement {
	if by == 0 {
		return x
	}
	return x.Op(op).Lit(int(by))
}

// place returns how far byte i of the window is shifted in its number.
func (w bitWindow) place(i uint32) uint32 {
	if w.bigEndian {
		return (w.count - 1 - i) * 8
	}
	return i * 8
}

// number is the window's bytes as one integer.
func (a Accessor) number(w bitWindow) *jen.Statement {
	sum := &jen.Statement{}
	for i := range w.count {
		if i > 0 {
			sum.Op("|")
		}
		b := jen.Uint64().Parens(jen.Id("s").Dot(a.Storage).Index(jen.Lit(int(w.first + i))))
		sum.Add(shifted(b, "<<", w.place(i)))
	}
	return sum
}

func (a Accessor) bitsOut() []jen.Code {
	w := a.bitWindow()
	code := []jen.Code{jen.Id("bits").Op(":=").Add(a.number(w))}
	value := shifted(jen.Id("bits"), ">>", w.shift).Op("&").Op(fmt.Sprintf("%#x", w.mask))
	switch {
	case a.Type.Bool:
		value.Op("!=").Lit(0)
	case a.Type.Signed:
		// Shift the sign bit to the top and, keeping it, back.
		value = jen.Add(typeCode(a.Type)).Parens(
			jen.Int64().Parens(jen.Id("bits").Op("<<").Lit(int(64 - w.shift - a.Bits))).Op(">>").Lit(int(64 - a.Bits)))
	default:
		value = jen.Add(typeCode(a.Type)).Parens(value)
	}
	return append(code, jen.Return(value))
}

func (a Accessor) bitsIn() []jen.Code {
	w := a.bitWindow()
	code := []jen.Code{jen.Id("bits").Op(":=").Add(a.number(w))}
	inPlace := fmt.Sprintf("%#x", w.mask<<w.shift)
	if a.Type.Bool {
		code = append(code,
			jen.Id("bits").Op("&^=").Op(inPlace),
			jen.If(jen.Id("v")).Block(jen.Id("bits").Op("|=").Op(fmt.Sprintf("%#x", uint64(1)<<w.shift))),
		)
	} else {
		code = append(code, jen.Id("bits").Op("=").Id("bits").Op("&^").Op(inPlace).Op("|").
			Add(shifted(jen.Uint64().Parens(jen.Id("v")), "<<", w.shift)).Op("&").Op(inPlace))
	}
	for i := range w.count {
		part := shifted(jen.Id("bits"), ">>", w.place(i))
		code = append(code, jen.Id("s").Dot(a.Storage).Index(jen.Lit(int(w.first+i))).Op("=").Byte().Parens(part))
	}
	return code
}
