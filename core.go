package rtmp

import (
	"context"
	"log/slog"
	"maps"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/internal/observe"
	"github.com/go-librtmp/rtmp/internal/session"
)

// core is what a Conn keeps however often it connects, and what its connection, streams and objects share.
type core struct {
	life
	log      *slog.Logger
	counts   counts
	clock    clock
	events   events
	observer *observe.Observer // set before anything is read
}

// init makes the core of a Conn ready that ends with ctx. Without a logger nothing is logged.
func (k *core) init(ctx context.Context, log *slog.Logger, handlers map[string]HandlerFunc) {
	if k.log = log; k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	k.ctx, k.cancel = context.WithCancel(ctx)
	k.onEnd = k.events.queue.End
	e := &k.events
	e.ctx, e.log, e.dropped, e.ready = k.ctx, k.log, &k.counts.droppedEvents, make(chan struct{})
	e.methods = maps.Clone(handlers)
	maps.DeleteFunc(e.methods, func(_ string, h HandlerFunc) bool { return h == nil })
	e.queue.Panicked = func(err *PanicError) {
		k.log.Error("rtmp: a handler has panicked", "value", err.Value, "stack", string(err.Stack))
		k.fail(err)
	}
}

// counts are counted however often a Conn connects.
type counts struct {
	session.Counters
	lostMedia, strayMedia, droppedEvents atomic.Uint64
	pipelineFallbacks                    atomic.Int64
}

// fellBack counts that the server minds pipelining.
func (k *core) fellBack(server, why string) {
	k.counts.pipelineFallbacks.Add(1)
	k.log.Warn("rtmp: the server minds pipelining: "+why, "server", server)
}
