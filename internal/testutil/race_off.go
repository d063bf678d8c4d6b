//go:build !race

package testutil

// race tells whether the race detector, which allocates, is on.
const race = false
