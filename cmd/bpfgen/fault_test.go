package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// generatedOnce is a folder with sources and what is generated of them.
func generatedOnce(t *testing.T) {
	t.Helper()
	folder(t, map[string]string{"prog.c": included, "event.h": "struct event { int pid; };\n"})
	if got := bpfgen(t, nil, "-target", "bpfel", "Snoop", "prog.c"); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	if err := os.WriteFile("event.h", []byte("struct event { int pid; int more; };\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What was generated stays, whole, if there is no room for what should replace
// it, and nothing else is there.
func TestDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: a file system of its own")
	}
	for _, pages := range []string{"8k", "16k", "24k", "32k"} {
		t.Run(pages, func(t *testing.T) {
			generatedOnce(t)
			before := tree(t)
			if err := os.Mkdir("full", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mount("tmpfs", "full", "tmpfs", 0, "size="+pages); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = unix.Unmount("full", unix.MNT_DETACH) })
			dir, err := filepath.Abs("full")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
			for name, data := range before {
				if strings.HasPrefix(name, "snoop_") && strings.HasSuffix(name, ".o") {
					if err := os.WriteFile(filepath.Join("full", name), []byte(data), 0o644); err != nil {
						t.Skip("the old object alone fills it")
					}
				}
			}
			was := files(t, "full")
			got := bpfgen(t, nil, "-target", "bpfel", "-output-dir", "full", "Snoop", "prog.c")
			if got.code == 0 {
				t.Log("enough room after all")
				return
			}
			if !strings.Contains(got.stderr, "no space left on device") {
				t.Errorf("the reason is missing: %+v", got)
			}
			if diff := cmp.Diff(was, files(t, "full")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// files are the names and contents of a folder.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(data)
	}
	return all
}

// A folder that can't be written to: root can write everywhere, but not where
// the file system is mounted read-only.
func TestReadOnlyFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: a mount of its own")
	}
	generatedOnce(t)
	dir, err := filepath.Abs("sealed")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	got := bpfgen(t, nil, "-target", "bpfel", "-output-dir", dir, "Snoop", "prog.c")
	if got.code == 0 || !strings.Contains(got.stderr, "read-only file system") {
		t.Errorf("%+v", got)
	}
	if left := files(t, dir); len(left) > 0 {
		t.Error(left)
	}
}

// A compiler that is killed, or writes half an object and succeeds, changes nothing.
func TestKilledCompiler(t *testing.T) {
	for name, script := range map[string]string{
		"killed":      "kill -KILL $$",
		"no object":   "exit 0",
		"half object": `for last; do :; done; while [ $# -gt 0 ]; do [ "$1" = -o ] && printf '\177ELF\002\001\001' > "$2"; shift; done; exit 0`,
	} {
		t.Run(name, func(t *testing.T) {
			generatedOnce(t)
			cc, err := filepath.Abs("clang-killed")
			if err != nil {
				t.Fatal(err)
			}
			text := "#!/bin/sh\ncase \"$*\" in *--version*) echo clang version 19.0.0; exit 0;; esac\n" + script + "\n"
			if err := os.WriteFile(cc, []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
			before := tree(t)
			got := bpfgen(t, nil, "-cc", cc, "-target", "bpfel", "Snoop", "prog.c")
			if got.code == 0 || got.stderr == "" {
				t.Errorf("%+v", got)
			}
			if diff := cmp.Diff(before, tree(t)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
