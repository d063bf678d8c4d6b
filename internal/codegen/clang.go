package codegen

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Compiler is a command that understands clang's options.
type Compiler struct {
	Path string
	// Args come before all others, so that "ccache clang" works.
	Args []string
}

// ErrNoCompiler is wrapped by FindCompiler's error when there is no clang.
var ErrNoCompiler = errors.New("no C compiler found")

const howToGetClang = `install clang with one of
	apt-get install clang     Debian, Ubuntu
	dnf install clang         Fedora, RHEL
	zypper install clang      SUSE
	apk add clang             Alpine
	pacman -S clang           Arch
	brew install llvm         macOS
or name one with -cc or BPF2GO_CC`

// FindCompiler returns the compiler that command names, which may carry
// arguments. If command is empty it looks through PATH for clang, then for the
// clang-N with the highest N.
//
// path is the value of PATH. The error wraps [ErrNoCompiler] and says what to
// install.
func FindCompiler(command, path string) (Compiler, error) {
	words := strings.Fields(command)
	if len(words) > 0 {
		found, ok := lookPath(words[0], path)
		if !ok {
			return Compiler{}, fmt.Errorf("%w: %s is neither a program in PATH nor an executable file; %s", ErrNoCompiler, words[0], howToGetClang)
		}
		return Compiler{Path: found, Args: words[1:]}, nil
	}
	if found, ok := lookPath("clang", path); ok {
		return Compiler{Path: found}, nil
	}
	if found, ok := newestClang(path); ok {
		return Compiler{Path: found}, nil
	}
	return Compiler{}, fmt.Errorf("%w: neither clang nor clang-N is in PATH; %s", ErrNoCompiler, howToGetClang)
}

func lookPath(name, path string) (string, bool) {
	if strings.ContainsRune(name, filepath.Separator) {
		return name, isExecutable(name)
	}
	for _, dir := range filepath.SplitList(path) {
		if file := filepath.Join(dir, name); isExecutable(file) {
			return file, true
		}
	}
	return "", false
}

func newestClang(path string) (file string, ok bool) {
	newest := 0
	for _, dir := range filepath.SplitList(path) {
		candidates, err := filepath.Glob(filepath.Join(dir, "clang-[0-9]*"))
		if err != nil {
			continue // a PATH entry with a bad pattern in it can't be searched
		}
		for _, candidate := range candidates {
			version, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(candidate), "clang-"))
			if err == nil && version > newest && isExecutable(candidate) {
				newest, file = version, candidate
			}
		}
	}
	return file, newest > 0
}

func isExecutable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
