package codegen

import (
	"os"
	"sync"
)

// fileCache reads the files of a run once: targets mostly have the same, and
// their digests are wanted as well.
type fileCache struct {
	mu    sync.Mutex
	files map[string][]byte
}

// read returns the contents of a file, which nobody may change.
func (c *fileCache) read(path string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if data, ok := c.files[path]; ok {
		return data, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if c.files == nil {
		c.files = map[string][]byte{}
	}
	c.files[path] = data
	return data, nil
}
