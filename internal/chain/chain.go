// Package chain finds an error among those that another one wraps.
//
// errors.As does it by reflection, which tells at run time what a type parameter
// tells when compiling, and takes 10 KB of every program.
package chain

// As returns the first error in the tree of err that is an E, or says by its
// method As that it can be seen as one: what errors.As finds, in the same order.
func As[E error](err error) (found E, ok bool) {
	ok = walk(err, func(err error) (is bool) {
		if found, is = err.(E); is {
			return true
		}
		other, hasMethod := err.(interface{ As(target any) bool })
		if !hasMethod {
			return false
		}
		target := new(E)
		is = other.As(target)
		found = *target
		return is
	})
	return found, ok
}

// walk visits err and what it wraps, depth first, until visit returns true.
func walk(err error, visit func(error) bool) bool {
	for err != nil {
		if visit(err) {
			return true
		}
		switch wrapper := err.(type) {
		case interface{ Unwrap() error }:
			err = wrapper.Unwrap()
		case interface{ Unwrap() []error }:
			for _, err := range wrapper.Unwrap() {
				if walk(err, visit) {
					return true
				}
			}
			return false
		default:
			return false
		}
	}
	return false
}
