//go:build !linux

package main

import (
	"context"
	"errors"
)

func load(context.Context, console, []string) error {
	return errors.New("bpfgen load asks the running kernel, which has to be Linux")
}
