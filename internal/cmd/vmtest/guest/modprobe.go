//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// moduleDir has the modules, uncompressed, and a file "aliases" with lines of a
// pattern and a module.
const moduleDir = "/lib/modules"

// modprobeMain is what the kernel runs when it wants a module: modprobe -q -- NAME.
func modprobeMain(args []string) int {
	code := 0
	for _, name := range args {
		if strings.HasPrefix(name, "-") {
			continue
		}
		if err := modprobe(name, 0); err != nil {
			fmt.Fprintf(os.Stderr, "modprobe: %s: %v\n", name, err)
			code = 1
		}
	}
	return code
}

// modprobe loads a module, by its name or an alias, after those that it needs.
func modprobe(name string, depth int) error {
	if depth > 16 {
		return errors.New("modules need each other in a circle")
	}
	image, err := os.ReadFile(filepath.Join(moduleDir, strings.ReplaceAll(name, "-", "_")+".ko"))
	if err != nil {
		if name = aliased(name); name == "" {
			return errors.New("no such module in this machine")
		}
		return modprobe(name, depth+1)
	}
	for _, dependency := range strings.Split(modinfo(image, "depends"), ",") {
		if dependency == "" {
			continue
		}
		if err := modprobe(dependency, depth+1); err != nil {
			return fmt.Errorf("%s, which it needs: %w", dependency, err)
		}
	}
	if err := unix.InitModule(image, ""); err != nil && err != unix.EEXIST {
		return err
	}
	return nil
}

// modinfo is a value of the strings key=value that a module has in .modinfo.
func modinfo(image []byte, key string) string {
	_, value, found := bytes.Cut(image, []byte("\x00"+key+"="))
	if !found {
		return ""
	}
	value, _, _ = bytes.Cut(value, []byte{0})
	return string(value)
}

// aliased is the module with an alias, "" if there is none.
func aliased(name string) string {
	f, err := os.Open(filepath.Join(moduleDir, "aliases"))
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		pattern, module, _ := strings.Cut(lines.Text(), " ")
		if ok, _ := path.Match(pattern, name); ok || pattern == name {
			return module
		}
	}
	return ""
}
