package object

import "testing"

// Whatever a section is called, it is found or not, and something is near it.
func FuzzMatchSection(f *testing.F) {
	for _, name := range []string{"xdp", "xdp.frags/devmap", "?fentry.s/vfs_read", "kprobe/", "uprobe//bin/bash:readline+0x10", "usdt/libc:a:b", "tp/a/b/c", "struct_ops.link", "cgroup/dev", "iter.s/task", "netkit/peer", "", "?", "/", "raw_tp.w/\x00"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		def, suffix, _, ok := MatchSection(name)
		if ok && (def == nil || len(suffix) > len(name)) {
			t.Errorf("%q: %v, suffix %q", name, def, suffix)
		}
		if !ok && def != nil {
			t.Errorf("%q isn't known, but %v", name, def)
		}
		_ = NearestSection(name)
	})
}
