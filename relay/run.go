package relay

import (
	"context"
	"sync"

	"github.com/go-librtmp/rtmp"
)

// Run publishes what source plays at all targets, until ctx is done, or source or all targets have given up, and closes them. A
// target that is slow or lost holds up nobody. The error is ctx's, or why source or the last target has given up. A URL or an option
// that can't be is told before anything is tried.
func Run(ctx context.Context, source *Player, targets ...*Publisher) error {
	defer func() {
		var closing sync.WaitGroup
		closing.Go(func() { source.Close() })
		for _, t := range targets {
			closing.Go(func() { t.Close() })
		}
		closing.Wait()
	}()
	if err := source.place().check(); err != nil {
		return err
	}
	for _, t := range targets {
		if _, err := t.places(); err != nil {
			return err
		}
	}
	for _, t := range targets {
		t.Start()
	}
	defer source.Bind(ctx)()
	var pkt rtmp.Packet
	for {
		if err := source.ReadPacket(&pkt); err != nil {
			return err
		}
		left := len(targets)
		var given error
		for _, t := range targets {
			if err := t.WritePacket(&pkt); err != nil {
				given = err
				left--
			}
		}
		if left == 0 && given != nil {
			return given
		}
	}
}
