// What TestEndToEnd builds and runs: generated code at work in the kernel.
package main

import (
	"errors"
	"fmt"
	"os"

	ebpf "github.com/bpfgen/bpfgen/runtime"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	specs, err := NewE2eSpecs()
	if err != nil {
		return err
	}
	specs.ExpectedColor.Set(uint32(E2eColorGREEN))
	specs.State.MaxEntries = 1
	objs, err := specs.Load(nil)
	if err != nil {
		return err
	}
	defer objs.Close()

	if err := expect(objs.WriteInC, 0); err != nil {
		return err
	}
	s, err := objs.State.Get(0)
	if err != nil {
		return err
	}
	fmt.Println(s.Name, s.Color, s.At.X, s.At.Y, s.AsLow(), s.AsHigh(), s.Named.AsF(), s.A(), s.B(), s.C(), s.Flag())
	fmt.Printf("%#x %d\n", s.Packed.Odd(), s.Packed.Where().Y)

	s.Name.SetString("Go")
	s.Color = E2eColorBLUE
	s.At = E2ePoint{X: 10, Y: -20}
	s.SetWide(0x1122334455667788)
	s.Named.SetP(E2ePoint{X: 8, Y: 9})
	s.SetA(2)
	s.SetB(8191)
	s.SetC(-1)
	s.SetFlag(false)
	s.Packed.SetOdd(0xa0b0c0d0)
	s.Packed.SetWhere(E2ePoint{X: -5, Y: 6})
	if err := objs.State.Set(0, s); err != nil {
		return err
	}
	if err := expect(objs.CheckInC, 0); err != nil {
		return err
	}
	if objs.ExpectedColor.Get() != uint32(E2eColorGREEN) {
		return fmt.Errorf("expected color is %d", objs.ExpectedColor.Get())
	}
	fmt.Println(objs.Runs.Get(), "runs")

	if objs.OnDemand != nil {
		return errors.New("a program is loaded that nobody asked for")
	}

	spec, err := NewE2eSpecs()
	if err != nil {
		return err
	}
	spec.OnDemand.Optional = false
	demanded, err := spec.Load(nil)
	if err != nil {
		return err
	}
	if err := expect(demanded.OnDemand, 42); err != nil {
		return err
	}
	return demanded.Close()
}

func expect(prog *ebpf.Program, want uint32) error {
	got, _, err := prog.Test(make([]byte, 64))
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%v returns %d, want %d", prog, got, want)
	}
	return nil
}
