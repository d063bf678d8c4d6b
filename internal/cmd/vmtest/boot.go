package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/bpfgen/bpfgen/internal/cmd/vmtest/protocol"
)

// bootTime is how long a machine may take until it speaks. Some boots fail for
// no reason of ours: there is a second try.
const bootTime = 150 * time.Second

// errNoBoot is a machine that never said a word.
var errNoBoot = errors.New("no boot")

// vm is a machine that is ready to boot.
type vm struct {
	machine
	qemu      []string
	kernel    kernelFiles
	initramfs string
	console   string        // file for its messages
	memory    int64         // megabytes
	busy      time.Duration // of a processor, in the end
}

// boot runs the machine to its end, and gives each event to see. It may be silent
// for so long, once it has spoken.
func (v *vm) boot(ctx context.Context, silence time.Duration, see func(protocol.Event)) error {
	err := v.bootOnce(ctx, silence, see)
	if errors.Is(err, errNoBoot) && ctx.Err() == nil {
		say("%v: %v; once more", v.machine, err)
		err = v.bootOnce(ctx, silence, see)
	}
	return err
}

func (v *vm) bootOnce(ctx context.Context, silence time.Duration, see func(protocol.Event)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(bootTime, func() { cancel(fmt.Errorf("no word for %v: it hangs", silence)) })
	defer silent.Stop()
	cmd := exec.CommandContext(ctx, v.qemu[0], v.arguments()...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%v: %w", v.machine, err)
	}
	up, done := false, false
	err = eachEvent(out, func(e protocol.Event) {
		silent.Reset(silence)
		up = true
		done = done || e.Kind == protocol.Done
		see(e)
	})
	_ = cmd.Wait() // what it did counts, not how it ended
	if cmd.ProcessState != nil {
		v.busy = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	switch {
	case done:
		return nil
	case err != nil:
		return fmt.Errorf("%v: %w", v.machine, err)
	case !up:
		return fmt.Errorf("%v: %w: %s\n%s", v.machine, errNoBoot, lastLine(stderr.Bytes()), tail(v.console))
	case ctx.Err() != nil:
		return fmt.Errorf("%v: %w\n%s", v.machine, context.Cause(ctx), tail(v.console))
	}
	return fmt.Errorf("%v: the machine stopped before it was done\n%s", v.machine, tail(v.console))
}

// eachEvent reads lines until there are no more.
func eachEvent(r io.Reader, see func(protocol.Event)) error {
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil // the machine is off; a line cut short tells nothing
		}
		var e protocol.Event
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("not an event: %.100q", line)
		}
		see(e)
	}
}

// arguments of QEMU. Nothing but a processor, memory, a console and a port: no
// disk, no network.
func (v *vm) arguments() []string {
	args := append(v.qemu[1:len(v.qemu):len(v.qemu)],
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-accel", "tcg,thread=single", "-smp", "2", "-m", strconv.FormatInt(v.memory, 10),
		"-kernel", v.kernel.image, "-initrd", v.initramfs, "-append", v.commandLine(),
		"-chardev", "file,id=console,path="+v.console, "-chardev", "file,id=events,path=/dev/stdout,append=on") // stdio would count as closed with its input
	args = append(args, hardware[v.arch]...)
	return append(args, "-device", "virtserialport,chardev=events,name="+protocol.PortName)
}

// tail is the end of a console's log.
func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	const most = 3000
	return filepath.Base(file) + ": …" + string(text[max(0, len(text)-most):])
}
