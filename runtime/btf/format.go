package btf

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
)

// maxFormatDepth bounds the output for types that refer to each other: a width
// of more is cut down to it.
const maxFormatDepth = 12

// nested is the state of formatting a type inside of another one.
type nested struct {
	fmt.State
	depth int
}

// format prints a type as Kind:"name"[details].
func format(f fmt.State, verb rune, typ Type) {
	if verb != 'v' && verb != 's' {
		fmt.Fprintf(f, "%%!%c(btf.Type=%s)", verb, typ)
		return
	}
	io.WriteString(f, reflect.TypeOf(typ).Elem().Name())
	if name := typ.TypeName(); name != "" {
		fmt.Fprintf(f, ":%q", name)
	}
	if f.Flag('+') {
		fmt.Fprintf(f, ":%p", typ)
	}
	depth := 0
	if n, ok := f.(nested); ok {
		depth, f = n.depth, n.State
	}
	width, _ := f.Width()
	if verb == 's' || depth > min(width, maxFormatDepth) {
		return
	}
	parts := details(typ, width)
	if len(parts) == 0 {
		return
	}
	io.WriteString(f, "[")
	separator := ""
	for _, part := range parts {
		io.WriteString(f, separator)
		separator = " "
		switch v := part.(type) {
		case label:
			io.WriteString(f, string(v))
			separator = ""
		case Type:
			v.Format(nested{f, depth + 1}, verb)
		default:
			fmt.Fprint(f, v)
		}
	}
	io.WriteString(f, "]")
}

// label is printed right before the next detail.
type label string

// details lists what is worth knowing about a type besides its name.
func details(typ Type, width int) []any {
	switch v := typ.(type) {
	case *Int:
		return []any{v.Encoding, label("size="), v.Size}
	case *Pointer:
		return []any{label("target="), v.Target}
	case *Array:
		return []any{label("index="), v.Index, label("type="), v.Type, label("n="), v.Nelems}
	case *Struct:
		return []any{label("fields="), len(v.Members), label("fieldNames="), memberNames(v.Members, width)}
	case *Union:
		return []any{label("fields="), len(v.Members), label("fieldNames="), memberNames(v.Members, width)}
	case *Enum:
		return []any{label("size="), v.Size, label("values="), len(v.Values)}
	case *Fwd:
		return []any{v.Kind}
	case *Typedef:
		return []any{v.Type}
	case *Volatile:
		return []any{v.Type}
	case *Const:
		return []any{v.Type}
	case *Restrict:
		return []any{v.Type}
	case *TypeTag:
		return []any{strconv.Quote(v.Value), label("type="), v.Type}
	case *Func:
		return []any{v.Linkage, label("proto="), v.Type}
	case *FuncProto:
		return []any{label("args="), len(v.Params), label("return="), v.Return}
	case *Var:
		return []any{v.Linkage, label("type="), v.Type}
	case *Datasec:
		return []any{label("size="), v.Size, label("vars="), len(v.Vars)}
	case *Float:
		return []any{label("size="), v.Size}
	case *declTag:
		return []any{strconv.Quote(v.Value), label("type="), v.Type, label("index="), v.Index}
	}
	return nil
}

// memberNames lists the first names, five if limit is zero.
func memberNames(members []Member, limit int) []string {
	if limit <= 0 {
		limit = 5
	}
	names := make([]string, 0, min(len(members), limit)+1)
	for _, m := range members[:min(len(members), limit)] {
		names = append(names, m.Name)
	}
	if len(members) > limit {
		names = append(names, "...")
	}
	return names
}

// Format implements fmt.Formatter, see [Type].
func (v *Void) Format(state fmt.State, verb rune) { format(state, verb, v) }

// Format implements fmt.Formatter, see [Type].
func (i *Int) Format(state fmt.State, verb rune) { format(state, verb, i) }

// Format implements fmt.Formatter, see [Type].
func (p *Pointer) Format(state fmt.State, verb rune) { format(state, verb, p) }

// Format implements fmt.Formatter, see [Type].
func (arr *Array) Format(state fmt.State, verb rune) { format(state, verb, arr) }

// Format implements fmt.Formatter, see [Type]. The width also says how many
// members to name: five by default.
func (s *Struct) Format(state fmt.State, verb rune) { format(state, verb, s) }

// Format implements fmt.Formatter, see [Type]. The width also says how many
// members to name: five by default.
func (u *Union) Format(state fmt.State, verb rune) { format(state, verb, u) }

// Format implements fmt.Formatter, see [Type].
func (e *Enum) Format(state fmt.State, verb rune) { format(state, verb, e) }

// Format implements fmt.Formatter, see [Type].
func (f *Fwd) Format(state fmt.State, verb rune) { format(state, verb, f) }

// Format implements fmt.Formatter, see [Type].
func (td *Typedef) Format(state fmt.State, verb rune) { format(state, verb, td) }

// Format implements fmt.Formatter, see [Type].
func (v *Volatile) Format(state fmt.State, verb rune) { format(state, verb, v) }

// Format implements fmt.Formatter, see [Type].
func (c *Const) Format(state fmt.State, verb rune) { format(state, verb, c) }

// Format implements fmt.Formatter, see [Type].
func (r *Restrict) Format(state fmt.State, verb rune) { format(state, verb, r) }

// Format implements fmt.Formatter, see [Type].
func (tt *TypeTag) Format(state fmt.State, verb rune) { format(state, verb, tt) }

// Format implements fmt.Formatter, see [Type].
func (f *Func) Format(state fmt.State, verb rune) { format(state, verb, f) }

// Format implements fmt.Formatter, see [Type].
func (fp *FuncProto) Format(state fmt.State, verb rune) { format(state, verb, fp) }

// Format implements fmt.Formatter, see [Type].
func (v *Var) Format(state fmt.State, verb rune) { format(state, verb, v) }

// Format implements fmt.Formatter, see [Type].
func (ds *Datasec) Format(state fmt.State, verb rune) { format(state, verb, ds) }

// Format implements fmt.Formatter, see [Type].
func (f *Float) Format(state fmt.State, verb rune) { format(state, verb, f) }

func (dt *declTag) Format(state fmt.State, verb rune) { format(state, verb, dt) }
