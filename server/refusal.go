package server

import (
	"cmp"
	"errors"
	"io"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// peer quotes and shortens a text from the client, for errors.
func peer(text string) string { return quote.Peer(text) }

// refusalOf returns the Refusal that is sent to the client if a hook has returned err.
func refusalOf(err error, code string) Refusal {
	var r Refusal
	var refused *Refusal
	var status *message.StatusError
	switch {
	case errors.As(err, &refused):
		r = *refused
	case errors.As(err, &status) && status.Code != "":
		r = Refusal{Code: status.Code, Description: status.Description}
	}
	r.Code, r.Description = cmp.Or(r.Code, code), cmp.Or(r.Description, "refused")
	return r
}

// hubError converts an error of the hub to one of this package. code is that for live.ErrPublished.
func hubError(err error, code string) error {
	switch {
	case errors.Is(err, live.ErrPublished):
		return &Refusal{Code: code, Description: "the stream is being published"}
	case errors.Is(err, live.ErrNotFound):
		return &Refusal{Code: message.CodePlayStreamNotFound, Description: "the stream has no publisher"}
	case errors.Is(err, live.ErrCut):
		return session.During("stream", io.ErrUnexpectedEOF)
	case errors.Is(err, live.ErrClosed), errors.Is(err, live.ErrShutdown):
		return session.During("stream", session.ErrClosed)
	}
	return err
}

// extra returns the properties that a redirect adds to the information object.
func (r *Refusal) extra() amf.Object {
	if r.RedirectTo == "" {
		return nil
	}
	return amf.Object{{Name: "ex", Value: amf.Object{{Name: "code", Value: 302.0}, {Name: "redirect", Value: r.RedirectTo}}}}
}

// statusMessage returns an onStatus with additional properties in the information object.
func statusMessage(id uint32, level, code, description string, more amf.Object) (chunk.Outgoing, error) {
	return session.Command(session.ChunkStreamCommand, id, &message.Command{Name: "onStatus",
		Args: []any{append(message.StatusObject(level, code, description), more...)}})
}
