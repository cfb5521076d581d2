package rtmp

import (
	"context"
	"errors"
	"io"

	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/swf"
)

// player is the Flash player that the program pretends to be in SWF verification.
type player struct {
	hash []byte
	size uint32
}

// player returns the player that Options describe, or that is fetched from Options.SWFURL. It returns nil if SWF verification is not
// requested.
func (k *opener) player(parent context.Context) (*player, error) {
	o := k.opts
	switch {
	case len(o.SWFHash) > 0:
		return &player{hash: o.SWFHash, size: o.SWFSize}, nil
	case !o.SWFVerify:
		return nil, nil
	}
	dialer, err := k.dialer(0) // no address is refused, since the program has chosen the URL
	if err != nil {
		return nil, err
	}
	ctx := k.beginStep(parent)
	defer k.steps.end()
	hash, size, err := swf.Hash(ctx, o.SWFURL, &swf.Options{Client: dialer.HTTPClient(), Age: o.SWFAge, Logger: k.log})
	if err != nil {
		return nil, ctx.failed(err)
	}
	return &player{hash: hash, size: size}, nil
}

// verifyPlayer answers a request for SWF verification, if the player is known.
func (l *link) verifyPlayer(request []byte) {
	l.playerAsked.Store(true)
	if l.verification == nil || !swf.Answerable(request) {
		l.log.Warn("rtmp: the server asks for SWF verification and gets no answer: set SWFVerify, or SWFHash and SWFSize",
			"request", quote.Peer(string(request)))
		return
	}
	l.session.Reply(session.Control(message.TypeUserControl, l.verification))
}

// playerHint says what to do if err, the error of opening a stream, may be due to SWF verification or to a SecureToken challenge.
func (l *link) playerHint(err error) string {
	var refused *StatusError
	lost := errors.Is(err, io.ErrUnexpectedEOF)
	failed := lost || errors.As(err, &refused) && refused.Code == message.CodePlayFailed
	switch asked := l.playerAsked.Load(); {
	case asked && l.verification != nil && lost:
		return "the server may not accept the player: check SWFHash and SWFSize, or SWFURL"
	case asked && l.verification == nil && failed:
		return "the server asks for SWF verification: set SWFVerify, or SWFHash and SWFSize"
	case l.challenged.Load() && failed && l.opts.Token == "":
		return "the server has sent a SecureToken challenge: set Token"
	case l.challenged.Load() && failed:
		return "the server may not accept the answer to its SecureToken challenge: check Token"
	}
	return ""
}
