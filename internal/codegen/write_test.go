package codegen

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree returns the files of a folder and what is in them. Folders are "/".
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, entry := range entries {
		if entry.IsDir() {
			all[entry.Name()] = "/"
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[entry.Name()] = string(data)
	}
	return all
}

func plant(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, data := range files {
		var err error
		if data == "/" {
			err = os.Mkdir(filepath.Join(dir, name), 0o755)
		} else {
			err = os.WriteFile(filepath.Join(dir, name), []byte(data), 0o640)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestCommit(t *testing.T) {
	for _, test := range []struct {
		about   string
		before  map[string]string
		files   []string // name, contents, name, contents
		after   map[string]string
		changed []string
		fails   bool
	}{
		{
			about:   "new files",
			files:   []string{"a.o", "1", "a.go", "2"},
			after:   map[string]string{"a.o": "1", "a.go": "2"},
			changed: []string{"a.o", "a.go"},
		},
		{
			about:   "only what differs is touched",
			before:  map[string]string{"a.o": "1", "a.go": "old", "other": "x"},
			files:   []string{"a.o", "1", "a.go", "2"},
			after:   map[string]string{"a.o": "1", "a.go": "2", "other": "x"},
			changed: []string{"a.go"},
		},
		{
			about:  "nothing to do",
			before: map[string]string{"a.o": "1"},
			files:  []string{"a.o", "1"},
			after:  map[string]string{"a.o": "1"},
		},
		{
			about:  "the last can't be written",
			before: map[string]string{"a.o": "old", "a.go": "/"},
			files:  []string{"a.o", "1", "b.o", "2", "a.go", "3"},
			after:  map[string]string{"a.o": "old", "a.go": "/"},
			fails:  true,
		},
		{
			about:  "no such folder",
			before: map[string]string{"a.o": "old"},
			files:  []string{"a.o", "1", "missing/a.go", "3"},
			after:  map[string]string{"a.o": "old"},
			fails:  true,
		},
	} {
		t.Run(test.about, func(t *testing.T) {
			dir := t.TempDir()
			plant(t, dir, test.before)
			var files []File
			for i := 0; i < len(test.files); i += 2 {
				files = append(files, File{filepath.Join(dir, test.files[i]), []byte(test.files[i+1])})
			}
			changed, err := Commit(files)
			if test.fails != (err != nil) {
				t.Errorf("error: %v", err)
			}
			for i, path := range changed {
				changed[i] = filepath.Base(path)
			}
			if diff := cmp.Diff(test.changed, changed); diff != "" {
				t.Error("changed:", diff)
			}
			if diff := cmp.Diff(test.after, tree(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A rename that fails after others succeeded: they are undone.
func TestCommitRestores(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]string{"a": "old a", "c": "old c"})
	var staged []*stagedFile
	for _, name := range []string{"a", "b", "c"} {
		f, err := stage(File{filepath.Join(dir, name), []byte("new " + name)})
		if err != nil {
			t.Fatal(err)
		}
		staged = append(staged, f)
	}
	// The disk loses what was to become c.
	if err := os.Remove(staged[2].temp); err != nil {
		t.Fatal(err)
	}
	if changed, err := publishAll(staged); err == nil || changed != nil {
		t.Fatalf("changed %v, error %v", changed, err)
	}
	for _, f := range staged {
		if err := f.cleanUp(); err != nil {
			t.Error(err)
		}
	}
	want := map[string]string{"a": "old a", "c": "old c"}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestCommitKeepsModeAndLinks(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]string{"real": "old"})
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := Commit([]File{{filepath.Join(dir, "link"), []byte("new")}}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(dir, "link"))
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link has become %v (%v)", info.Mode(), err)
	}
	info, err = os.Stat(filepath.Join(dir, "real"))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode has become %v (%v)", info.Mode(), err)
	}
	if got := tree(t, dir)["real"]; got != "new" {
		t.Errorf("contents are %q", got)
	}
}
