package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	ebpf "github.com/bpfgen/bpfgen/runtime"
)

func hash(_ context.Context, objs *MapsObjects) (any, error) {
	where := MapsPoint{X: 1, Y: 2}
	if err := objs.Hash.Set(where, 10); err != nil {
		return nil, err
	}
	if _, err := runStart(objs); err != nil { // adds one
		return nil, err
	}
	if err := objs.Hash.Insert(where, 0); !errors.Is(err, ebpf.ErrKeyExist) {
		return nil, fmt.Errorf("insert what is there: %w", err)
	}
	n, err := objs.Hash.Get(where)
	if err != nil {
		return nil, err
	}
	// Many elements a system call, in no particular order.
	var failed error
	sum := uint64(0)
	for key, value := range objs.Hash.Entries(&failed) {
		sum += value * uint64(key.X+key.Y)
	}
	return []uint64{n, sum}, failed
}

func lruHash(_ context.Context, objs *MapsObjects) (any, error) {
	if err := objs.LruHash.Set(1, MapsPoint{X: 3}); err != nil {
		return nil, err
	}
	point, err := objs.LruHash.Take(1) // and delete it
	return xy(point), err
}

// perCPUHash has a value for each CPU. Those that aren't given are zero.
func perCPUHash(_ context.Context, objs *MapsObjects) (any, error) {
	if err := objs.PercpuHash.Set(1, []uint64{23}); err != nil {
		return nil, err
	}
	values, err := objs.PercpuHash.Get(1)
	if err != nil {
		return nil, err
	}
	most, err := objs.PercpuHash.Reduce(1, func(a, b uint64) uint64 { return max(a, b) })
	return fmt.Sprintf("sum %d, most %d", ebpf.Sum(values), most), err
}

func lruPerCPUHash(_ context.Context, objs *MapsObjects) (any, error) {
	if err := objs.LruPercpuHash.Set(1, []MapsPoint{{X: 1, Y: 2}}); err != nil {
		return nil, err
	}
	var failed error
	for key, points := range objs.LruPercpuHash.Entries(&failed) {
		return fmt.Sprint(key, " ", xy(points[0])), nil
	}
	return nil, failed
}

func array(_ context.Context, objs *MapsObjects) (any, error) {
	if err := objs.Array.Set(3, MapsPoint{X: 5}); err != nil {
		return nil, err
	}
	var failed error
	var all [][2]uint32
	for _, point := range objs.Array.Entries(&failed) {
		all = append(all, xy(point))
	}
	return all, failed
}

// sharedArray is memory: no system calls.
func sharedArray(_ context.Context, objs *MapsObjects) (any, error) {
	points := objs.SharedArray.Values()
	points[1].X = 7
	point, err := objs.SharedArray.Get(1) // by a system call, it is the same
	return xy(point), err
}

func routes(_ context.Context, objs *MapsObjects) (any, error) {
	err := errors.Join(
		objs.Routes.Set(MapsPrefix{Length: 8, Address: [4]uint8{10}}, 1),
		objs.Routes.Set(MapsPrefix{Length: 16, Address: [4]uint8{10, 1}}, 2),
	)
	if err != nil {
		return nil, err
	}
	return objs.Routes.Get(MapsPrefix{Length: 32, Address: [4]uint8{10, 1, 2, 3}}) // the longest prefix
}

// stackTraces has what bpf_get_stackid finds: here, nothing.
func stackTraces(_ context.Context, objs *MapsObjects) (any, error) {
	_, err := objs.StackTraces.Get(1)
	return errors.Is(err, ebpf.ErrKeyNotExist), nil
}

func queue(_ context.Context, objs *MapsObjects) (any, error) {
	if err := objs.Queue.Push(MapsPoint{X: 8}); err != nil {
		return nil, err
	}
	var all [][2]uint32
	for {
		point, err := objs.Queue.Pop()
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			return slices.Compact(all), nil // what the program has pushed is there as well
		}
		if err != nil {
			return nil, err
		}
		all = append(all, xy(point))
	}
}

func stack(_ context.Context, objs *MapsObjects) (any, error) {
	if err := errors.Join(objs.Lifo.Push(1), objs.Lifo.Push(2)); err != nil {
		return nil, err
	}
	return objs.Lifo.Peek()
}

func bloom(_ context.Context, objs *MapsObjects) (any, error) {
	if err := objs.Bloom.Add(42); err != nil {
		return nil, err
	}
	in, err := objs.Bloom.Has(42)
	if err != nil {
		return nil, err
	}
	out, err := objs.Bloom.Has(43)
	return []bool{in, out}, err
}
