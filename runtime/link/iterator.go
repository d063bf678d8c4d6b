package link

import (
	"errors"
	"fmt"
	"os"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// Iterator goes through all links in the kernel, in the order of their IDs. The
// zero value is before the first. Linux 5.8.
//
//	var it link.Iterator
//	defer it.Close()
//	for it.Next() {
//		fmt.Println(it.ID)
//	}
//	if err := it.Err(); err != nil {
type Iterator struct {
	// ID of the link that Next found.
	ID ID
	// Link that Next found, until Next or Close. Take keeps it.
	Link Link

	err error
}

// Next finds the next link, and closes the one before. It returns false at the
// end, or on an error, which Err returns.
func (it *Iterator) Next() bool {
	it.Close()
	for {
		id, err := kernel.NextID(kernel.CmdLinkGetNextID, uint32(it.ID))
		if errors.Is(err, os.ErrNotExist) {
			return false
		}
		if err != nil {
			it.err = fmt.Errorf("next link after ID %d: %w", it.ID, needs(kernel.ExplainPermission(err, kernel.CapSysAdmin), linkIDs))
			return false
		}
		it.ID = ID(id)
		l, err := NewFromID(it.ID)
		if errors.Is(err, os.ErrNotExist) {
			continue // it went away
		}
		if err != nil {
			it.err = err
			return false
		}
		it.Link = l
		return true
	}
}

// Take lets the caller have Link, and close it.
func (it *Iterator) Take() Link {
	l := it.Link
	it.Link = nil
	return l
}

// Err is why Next returned false, nil at the end.
func (it *Iterator) Err() error { return it.err }

// Close closes Link, unless it was taken.
func (it *Iterator) Close() {
	if it.Link != nil {
		it.Link.Close()
		it.Link = nil
	}
}
