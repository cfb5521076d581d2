package rtmp

import (
	"context"
	"errors"

	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/session"
)

// newPipelined returns the stream to ask for ahead, nil: none, or not before connect is answered.
func (k *connector) newPipelined(answered bool) *pipelined {
	if k.pipelining == PipelineNone || k.playpath() == "" || k.opts.UsherToken != "" || !answered && k.needsAnswer() {
		return nil
	}
	h := &pipelined{options: k.complete(StreamOptions{Writable: k.opts.publishes()})}
	var err error
	if h.script, err = k.opts.script(h.options); err != nil {
		return nil // CreateStream will tell
	}
	return h
}

// needsAnswer reports whether connect has to be answered before a stream is asked for.
func (k *connector) needsAnswer() bool {
	return k.negotiates() || k.opts.Token != "" || k.opts.SWFVerify || len(k.opts.SWFHash) > 0
}

// settle makes sure of the stream that is asked for ahead, once the server has answered connect.
func (k *connector) settle(ctx context.Context, client *client) error {
	h := client.ahead.Load()
	if _, refused := client.connectCall.call.Result(); refused != nil {
		if h != nil {
			client.ahead.Store(nil)
			h.drop()
		}
		return nil
	}
	if h == nil {
		if h = k.newPipelined(true); h == nil {
			return nil
		}
		client.ahead.Store(h)
		if err := h.send(ctx, client.streams); err != nil {
			return err
		}
	}
	known, err := h.settle(ctx)
	if h.guessedWrong { // it would be wrong on a new connection, too: the next step is the last
		k.pipelining = PipelineCommands
	}
	if !known {
		client.ahead.Store(nil)
	}
	return err
}

// stepBack reports whether connecting has failed with err because the server minds, perhaps, what was sent ahead, and sees to it that the
// next connection is made with less of that.
func (k *connector) stepBack(ctx context.Context, err error) bool {
	if k.pipelining == PipelineNone || !mayMind(err) || ctx.Err() != nil || k.Err() != nil {
		return false
	}
	k.pipelining--
	k.fellBack(k.url.Redacted(), err.Error())
	return true
}

// mayMind reports whether err can be a server's answer to what was sent ahead: the end of the connection, silence, or confusion.
func mayMind(err error) bool {
	var failed *HandshakeError
	if errors.As(err, &failed) {
		var wrong *handshake.Error
		said := errors.As(err, &wrong) && wrong.Err == nil // it speaks something else
		return failed.Stage == StageConnect || !said && (failed.Stage == StageRTMP || failed.Stage == StageRTMPE)
	}
	var lost *session.LostError
	var silent *session.TimeoutError
	var confused *ProtocolError
	return errors.As(err, &lost) || errors.As(err, &silent) || errors.As(err, &confused)
}
