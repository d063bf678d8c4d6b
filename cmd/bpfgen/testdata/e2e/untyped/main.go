// What TestEndToEnd builds and runs: code written for bpf2go at work in the kernel,
// with -untyped.
package main

import (
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
	spec, err := LoadE2e()
	if err != nil {
		return err
	}
	var specs E2eSpecs
	if err := spec.Assign(&specs); err != nil {
		return err
	}
	if err := specs.ExpectedColor.Set(uint32(E2eColorGREEN)); err != nil {
		return err
	}
	var objs struct {
		E2eObjects
		Optional E2eOptionalPrograms
	}
	if err := spec.LoadAndAssign(&objs, nil); err != nil {
		return err
	}
	defer objs.Optional.Close()

	if err := expect(objs.WriteInC, 0); err != nil {
		return err
	}
	var s E2eShared
	if err := objs.State.Lookup(uint32(0), &s); err != nil {
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
	if err := objs.State.Put(uint32(0), &s); err != nil {
		return err
	}
	if err := expect(objs.CheckInC, 0); err != nil {
		return err
	}
	if err := expect(objs.Optional.OnDemand, 42); err != nil {
		return err
	}

	var runs uint64
	if err := objs.Runs.Get(&runs); err != nil {
		return err
	}
	fmt.Println(runs, "runs")

	var required E2eObjects
	if err := LoadE2eObjects(&required, nil); err != nil {
		return err
	}
	if err := required.Close(); err != nil {
		return err
	}
	return objs.E2eObjects.Close()
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
