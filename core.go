package rtmp

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/internal/session"
)

// core is what a Conn keeps however often it connects, and what its connection, streams and objects share.
type core struct {
	life
	log    *slog.Logger
	counts counts
	events events
}

// init makes the core of c ready.
func (k *core) init(c *Conn, o *Options) {
	if k.log = o.Logger; k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	k.ctx, k.cancel = context.WithCancel(context.WithValue(context.Background(), connKey{}, c))
	k.onEnd = k.events.queue.End
	k.events.init(k, o)
}

// counts are counted however often a Conn connects.
type counts struct {
	session.Counters
	lostMedia, strayMedia, droppedEvents atomic.Uint64
}
