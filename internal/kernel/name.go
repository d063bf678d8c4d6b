package kernel

// ObjName is the name of a map or program in the kernel: at most 15 bytes and
// a NUL.
type ObjName [16]byte

// NewObjName makes of s what the kernel accepts as a name (since 4.15):
// letters, digits, '_' and '.'; anything else becomes '_', and what doesn't
// fit is cut off.
func NewObjName(s string) ObjName {
	var name ObjName
	for i := 0; i < len(s) && i < len(name)-1; i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.':
			name[i] = c
		default:
			name[i] = '_'
		}
	}
	return name
}

// String is the name.
func (n ObjName) String() string { return GoString(n[:]) }
