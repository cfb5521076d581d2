package relay

import (
	"context"
	"sync"

	"github.com/go-librtmp/rtmp"
)

// Run publishes the stream of source at all targets until ctx is done, source gives up, or all targets have given up. A slow or lost target
// does not delay the others. At the end, Run closes source and all targets. It returns the error of ctx, of source, or of the last target
// to give up. To learn whether the last packets of a target have arrived, call its Close again. Run reports an invalid URL or option before
// it connects to any server.
func Run(ctx context.Context, source *Player, targets ...*Publisher) error {
	defer func() {
		var closing sync.WaitGroup
		closing.Go(func() { source.Close() })
		for _, t := range targets {
			closing.Go(func() { t.Close() })
		}
		closing.Wait()
	}()
	if err := source.endpoint().check(); err != nil {
		return err
	}
	for _, t := range targets {
		if _, err := t.endpoints(); err != nil {
			return err
		}
	}
	for _, t := range targets {
		t.Start()
	}
	playing, stop := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer stop(nil)
	if len(targets) > 0 {
		watching.Go(func() { stop(allEnded(playing, targets)) }) // in a goroutine, since reading from source may block
	}
	defer source.Bind(playing)()
	var pkt rtmp.Packet
	for {
		if err := source.ReadPacket(&pkt); err != nil {
			if ctx.Err() == nil && playing.Err() != nil {
				return context.Cause(playing)
			}
			return err
		}
		for _, t := range targets {
			t.WritePacket(&pkt) // WritePacket's error is reported by allEnded
		}
	}
}

// allEnded waits until all targets have given up or ctx is done, and returns the error of the last target, or nil if ctx is done.
func allEnded(ctx context.Context, targets []*Publisher) (err error) {
	for _, t := range targets {
		select {
		case <-t.ended:
			err = t.over()
		case <-ctx.Done():
			return nil
		}
	}
	return err
}
