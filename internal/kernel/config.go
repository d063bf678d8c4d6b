package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// configGZ is where a kernel with CONFIG_IKCONFIG_PROC shows its configuration.
const configGZ = "/proc/config.gz"

// OpenConfig opens the configuration that the running kernel was built with,
// which is text or compressed by gzip. Without one, the error matches
// fs.ErrNotExist. The caller closes the file.
func OpenConfig() (*os.File, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return nil, fmt.Errorf("uname: %w", err)
	}
	return openFirst("/boot/config-"+GoString(uts.Release[:]), configGZ)
}

func openFirst(paths ...string) (*os.File, error) {
	var errs []error
	for _, path := range paths {
		f, err := OpenFile(path, os.O_RDONLY)
		if err == nil {
			return f, nil
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("configuration of the kernel: %w", err)
	}
	return nil, fmt.Errorf("configuration of the kernel: %w: there is neither %q, to be had with CONFIG_IKCONFIG_PROC=y", fs.ErrNotExist, paths)
}
