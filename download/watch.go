package download

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/go-librtmp/rtmp"
)

// watched is a player whose next message must not take longer than limit.
type watched struct {
	player
	limit  time.Duration
	ctx    context.Context // of all waits: it ends with the first that takes too long
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

// watch limits how long p may take for a message; 0: for ever.
func watch(ctx context.Context, p player, limit time.Duration) player {
	if limit <= 0 {
		return p
	}
	w := &watched{player: p, limit: limit}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	late := fmt.Errorf("download: no message of the stream in %v: %w", limit, os.ErrDeadlineExceeded)
	w.timer = time.AfterFunc(limit, func() { w.cancel(late) })
	return w
}

// next implements player. ctx is that of watch.
func (w *watched) next(ctx context.Context) (*rtmp.Packet, error) {
	w.timer.Reset(w.limit)
	p, err := w.player.next(w.ctx)
	w.timer.Stop() // what is done with the message may take its time
	if err != nil && ctx.Err() == nil && w.ctx.Err() != nil {
		err = context.Cause(w.ctx)
	}
	return p, err
}

func (w *watched) close() {
	w.timer.Stop()
	w.cancel(nil)
	w.player.close()
}
