package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bpfgen/bpfgen/runtime/perf"
)

// ring reads in place: the pointer is valid for one turn of the loop.
func ring(ctx context.Context, objs *MapsObjects) (any, error) {
	for ev, err := range objs.Ring.All(ctx) {
		if err != nil {
			return nil, err
		}
		return fmt.Sprint(ev.Number, " ", ev.Text), nil
	}
	return nil, ctx.Err()
}

// taggedRing has the type of its events from a declaration tag. The events that
// Copies yields can be kept.
func taggedRing(ctx context.Context, objs *MapsObjects) (any, error) {
	var kept MapsEvent
	for ev, err := range objs.TaggedRing.Copies(ctx) {
		if err != nil {
			return nil, err
		}
		kept = ev
		break
	}
	return fmt.Sprint(kept.Number, " ", kept.Text), ctx.Err()
}

// perfEvents has the type of its events from the flag -event. What is sent while
// no loop is on is lost, so it is sent until one gets it.
func perfEvents(ctx context.Context, objs *MapsObjects) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	var sending sync.WaitGroup
	defer sending.Wait()
	defer cancel()
	sending.Go(func() {
		for ctx.Err() == nil {
			_, _ = runStart(objs) // an error shows as silence
			time.Sleep(10 * time.Millisecond)
		}
	})
	for ev, err := range objs.PerfEvents.With(4096, perf.ReaderOptions{}).All(ctx) {
		var lost *perf.LostError
		if errors.As(err, &lost) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return fmt.Sprint(ev.Number, " ", ev.Text), nil
	}
	return nil, ctx.Err()
}

// userRing sends to programs.
func userRing(_ context.Context, objs *MapsObjects) (any, error) {
	s, err := objs.UserRing.Open()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := errors.Join(s.Send(MapsPoint{X: 3}), s.Send(MapsPoint{X: 4})); err != nil {
		return nil, err
	}
	sum, _, err := objs.Drain.Test(make([]byte, 64))
	return sum, err
}
