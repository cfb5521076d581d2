package server

import (
	"context"
	"log/slog"
)

// connLog is the slog.Handler of a connection. It adds the connection's attributes to each record. Most connections log nothing, so this is
// cheaper than slog.Logger.With, which formats the attributes in advance and keeps about 500 bytes for each connection.
type connLog struct {
	c   *Conn
	app string // "" before connect
}

func (h connLog) handler() slog.Handler {
	log := h.c.server.log().With("conn", h.c.id, "remote", h.c.remote)
	if h.app != "" {
		log = log.With("app", h.app)
	}
	return log.Handler()
}

func (h connLog) Enabled(ctx context.Context, level slog.Level) bool {
	return h.c.server.log().Enabled(ctx, level)
}

func (h connLog) Handle(ctx context.Context, r slog.Record) error { return h.handler().Handle(ctx, r) }
func (h connLog) WithAttrs(attrs []slog.Attr) slog.Handler        { return h.handler().WithAttrs(attrs) }
func (h connLog) WithGroup(name string) slog.Handler              { return h.handler().WithGroup(name) }
