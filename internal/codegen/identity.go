package codegen

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Identity says which compiler this is, the same on every machine that has it:
// the first line of what it answers to --version.
//
// Asking takes longer than everything else when nothing has changed, so that
// the answer is kept in the user's cache folder, as long as the program's file
// stays as it is.
func (c Compiler) Identity(ctx context.Context, env []string) (string, error) {
	key, keyErr := c.fingerprint()
	cached := ""
	if dir, err := os.UserCacheDir(); err == nil && keyErr == nil {
		cached = filepath.Join(dir, "bpfgen", "compilers", key)
		if data, err := os.ReadFile(cached); err == nil && len(data) > 0 {
			return string(data), nil
		}
	}
	cmd := exec.CommandContext(ctx, c.Path, append(append([]string(nil), c.Args...), "--version")...)
	cmd.Env = env
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", c.Path, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", errors.New(c.Path + " --version says nothing")
	}
	if cached != "" {
		keepIdentity(cached, line)
	}
	return line, nil
}

// fingerprint changes when the compiler's program does.
func (c Compiler) fingerprint() (string, error) {
	hash := sha256.New()
	for _, word := range append([]string{c.Path}, c.Args...) {
		fmt.Fprintf(hash, "%q", word)
		if !filepath.IsAbs(word) {
			continue
		}
		file, err := filepath.EvalSymlinks(word)
		if err != nil {
			return "", err
		}
		info, err := os.Stat(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%q %d %d", file, info.Size(), info.ModTime().UnixNano())
	}
	for _, arg := range c.Args {
		if !strings.HasPrefix(arg, "-") {
			return "", errors.New("another program decides which compiler it is") // ccache clang
		}
	}
	return hex.EncodeToString(hash.Sum(nil)[:16]), nil
}

// keepIdentity writes a cache entry. Without one the compiler is asked again,
// so that errors don't matter.
func keepIdentity(path, identity string) {
	if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	temp := sibling(path, "new")
	if writeSynced(temp, []byte(identity)) != nil || os.Rename(temp, path) != nil {
		_ = os.Remove(temp)
	}
}
