package rtmp

import (
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/swf"
)

// answerChallenge sends secureTokenResponse when connect's answer holds a challenge and there is a token.
func (l *link) answerChallenge(reply []any) error {
	challenge, found := findValue(reply, "secureToken", 0).(string)
	if !found || l.opts.Token == "" {
		return nil
	}
	response, err := auth.SecureToken(l.opts.Token, challenge)
	if err != nil {
		return &ProtocolError{Phase: "secure token", Err: err}
	}
	return l.session.ReplyCommand(&message.Command{Name: "secureTokenResponse", Args: []any{response}})
}

// verifyPlayer answers SWF verification, if it can.
func (l *link) verifyPlayer(request []byte) {
	if l.verification == nil || !swf.Answerable(request) {
		l.log.Warn("rtmp: the server asks for SWF verification: without SWFVerify, or SWFHash and SWFSize, it gets no answer",
			"request", quote.Peer(string(request)))
		return
	}
	l.session.Reply(session.Control(message.TypeUserControl, l.verification))
}
