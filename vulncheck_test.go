package bpfgen_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// vulnerability is an entry of the database: a function of a module.
type vulnerability struct{ module, pkg, symbol string }

// database is a folder that govulncheck takes for the database of vulnerabilities.
func database(t *testing.T, v vulnerability) string {
	t.Helper()
	dir := t.TempDir()
	const id, when = "GO-2099-0001", "2025-01-01T00:00:00Z"
	index := "[]"
	if v.module != "" {
		index = fmt.Sprintf(`[{"path": %q, "vulns": [{"id": %q, "modified": %q}]}]`, v.module, id, when)
	}
	for name, text := range map[string]string{
		"index/db.json":      fmt.Sprintf(`{"modified": %q}`, when),
		"index/modules.json": index,
		"ID/" + id + ".json": fmt.Sprintf(`{"schema_version": "1.3.1", "id": %q, "modified": %q, "published": %[2]q, "summary": "a hole", "database_specific": {"url": "https://pkg.go.dev/vuln/GO-2099-0001"},
			"affected": [{"package": {"name": %q, "ecosystem": "Go"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
			"ecosystem_specific": {"imports": [{"path": %q, "symbols": [%q]}]}}]}`, id, when, v.module, v.pkg, v.symbol),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return "file://" + dir
}

// make check fails for a vulnerability that we call. It doesn't for those of the
// Go that builds, or if the database can't be reached, but says so.
func TestVulncheck(t *testing.T) {
	if _, err := os.Stat("bin/govulncheck"); err != nil {
		t.Skip("needs bin/govulncheck (make tools)")
	}
	for name, test := range map[string]struct {
		db    string
		fails bool
		says  string
	}{
		"none known":      {database(t, vulnerability{}), false, "No vulnerabilities found."},
		"one that we use": {database(t, vulnerability{"golang.org/x/sys", "golang.org/x/sys/unix", "Syscall"}), true, "Vulnerability #1: GO-2099-0001"},
		"one of Go":       {database(t, vulnerability{"stdlib", "os", "Open"}), false, "update Go"},
		"unreachable":     {"http://127.0.0.1:1", false, "VULNERABILITIES WERE NOT LOOKED UP"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("scripts/vulncheck.sh", "./internal/kernel")
			cmd.Env = append(os.Environ(), "VULNDB="+test.db)
			out, err := cmd.CombinedOutput()
			if (err != nil) != test.fails || !strings.Contains(string(out), test.says) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
