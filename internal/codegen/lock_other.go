//go:build !unix

package codegen

// lockFolder does nothing where folders can't be locked: temporary files have
// names of their own anyway.
func lockFolder(string) (unlock func() error, err error) {
	return func() error { return nil }, nil
}
