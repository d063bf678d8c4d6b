package kernel

import "testing"

func TestFolderOf(t *testing.T) {
	for path, want := range map[string]string{
		"/sys/fs/bpf/x": "/sys/fs/bpf", "/x": "/", "x": ".", "./x": ".", "a/b": "a", "/a/b/": "/a/b",
	} {
		if got := folderOf(path); got != want {
			t.Errorf("%s is in %s, want %s", path, got, want)
		}
	}
}
