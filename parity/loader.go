package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// loaderID is the index of a loader in tables.
type loaderID int

const (
	libbpfLoader loaderID = iota
	ebpfGoLoader
	oursLoader
	loaders
)

// attempt is what became of loading an object, or one program of it.
type attempt struct {
	Object  string `json:"object"`
	Program string `json:"program"`
	Phase   string `json:"phase"` // how far it came: open, load or ok; crash or timeout
	Error   string `json:"error"`
	LeftOut int    `json:"leftOut"` // programs that were silently not loaded

	// Loaded is what the kernel tells about maps and programs, by "map NAME"
	// and "program NAME".
	Loaded map[string]string `json:"loaded"`
}

// ok tells whether all of it was loaded.
func (a *attempt) ok() bool { return a != nil && a.Phase == "ok" && a.LeftOut == 0 }

// verdict is the attempt in a word.
func (a *attempt) verdict() string {
	switch {
	case a == nil:
		return "-"
	case a.Phase == "ok" && a.LeftOut > 0:
		return fmt.Sprintf("left out %d", a.LeftOut)
	}
	return a.Phase
}

// loader is a command, and where its results are kept. No command, no results.
type loader struct {
	command []string
	cache   string // "" if they aren't
}

func newLoader(command, cache string, keep bool) (loader, error) {
	l := loader{command: strings.Fields(command)}
	if len(l.command) == 0 || cache == "" || !keep {
		return l, nil
	}
	program, err := os.ReadFile(l.command[0])
	if err != nil {
		return l, err
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return l, err
	}
	id := sha256.Sum256(append(program, uts.Release[:]...))
	l.cache = filepath.Join(cache, fmt.Sprintf("%x", id[:8]))
	return l, os.MkdirAll(l.cache, 0o755)
}

// attempts are the results for an object, by program; that of the whole object
// is under the empty name.
type attempts map[string]*attempt

// others is the name for programs that a loader didn't come to.
const others = "(others)"

// run has the loader load an object.
func (l *loader) run(ctx context.Context, object string, timeout time.Duration) attempts {
	if len(l.command) == 0 {
		return nil
	}
	kept := l.keptAs(object)
	if kept != "" {
		if out, err := os.ReadFile(kept); err == nil {
			return parseAttempts(out)
		}
	}
	out, end := l.exec(ctx, object, timeout)
	if end != nil && end.Phase == "timeout" {
		// The verifier takes long for some; on a busy machine, longer.
		out, end = l.exec(ctx, object, 4*timeout)
	}
	byProgram := parseAttempts(out)
	if end != nil {
		byProgram.end(end)
	} else if kept != "" {
		if err := os.WriteFile(kept, out, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "parity:", err)
		}
	}
	return byProgram
}

// keptAs is the file with the results for an object, which its contents name.
func (l *loader) keptAs(object string) string {
	if l.cache == "" {
		return ""
	}
	data, err := os.ReadFile(object)
	if err != nil {
		return ""
	}
	return filepath.Join(l.cache, fmt.Sprintf("%x.json", sha256.Sum256(data)))
}

// exec runs the command. If that didn't end well, end says how.
func (l *loader) exec(ctx context.Context, object string, timeout time.Duration) (out []byte, end *attempt) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, l.command[0], append(l.command[1:], object)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	switch {
	case err == nil:
		return stdout.Bytes(), nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return stdout.Bytes(), &attempt{Phase: "timeout", Error: fmt.Sprintf("not done after %v", timeout)}
	}
	return stdout.Bytes(), &attempt{Phase: "crash", Error: fmt.Sprintf("%v: %.2000s", err, stderr.String())}
}

func parseAttempts(out []byte) attempts {
	byProgram := make(attempts)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var a attempt
		if dec.Decode(&a) != nil {
			return byProgram
		}
		byProgram[a.Program] = &a
	}
}

// end is what became of the object, or of all programs without a result.
func (a attempts) end(end *attempt) {
	if a[""] == nil {
		a[""] = end
	}
	a[others] = end
}

// of is what became of a program.
func (a attempts) of(name string) *attempt {
	if found := a[name]; found != nil || name == "" {
		return found
	}
	return a[others]
}
