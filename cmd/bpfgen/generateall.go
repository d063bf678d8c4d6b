package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"sync"
)

const generateUsage = `Usage: bpfgen generate [packages]

Runs all bpfgen directives of the packages, as go generate would, but in
parallel and with a line for each. Packages are named as for go build; the
default is ./...

Example:

	bpfgen generate ./...
`

// generateAll runs the directives of packages.
func generateAll(ctx context.Context, c console, args []string) error {
	fs := flag.NewFlagSet("bpfgen generate", flag.ContinueOnError)
	if done, err := c.parse(fs, args, generateUsage); done || err != nil {
		return err
	}
	tasks, _, err := c.findTasks(ctx, fs.Args())
	if err != nil {
		return err
	}
	var (
		wg     sync.WaitGroup
		output sync.Mutex
		failed bool
		slots  = make(chan struct{}, runtime.GOMAXPROCS(0))
	)
	for _, t := range tasks {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			var messages bytes.Buffer
			t.console.stderr, t.console.stdout = &messages, io.Discard
			n, err := t.opts.generate(ctx, t.console, t.req)

			output.Lock()
			defer output.Unlock()
			outcome := fmt.Sprintf("%d files written", n)
			switch {
			case err != nil:
				failed = true
				outcome = "failed"
				if !errors.Is(err, errReported) {
					outcome += ": " + err.Error()
				}
			case n == 0:
				outcome = "up to date"
			}
			fmt.Fprintf(c.stdout, "%s: %s: %s\n", c.show(t.directive.String()), t.opts.ident, outcome)
			_, _ = c.stderr.Write(messages.Bytes())
		})
	}
	wg.Wait()
	if failed {
		return errReported
	}
	return nil
}
