package testserver

import (
	"crypto/rand"
	"encoding/binary"
	"strings"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/swf"
)

// Player is an SWF file that clients have to know: its hash and size, as swf.Hash has them.
type Player struct {
	Hash []byte
	Size uint32
}

// askForPlayer sends the request for SWF verification. It goes out before connect's answer, so that a client that asks for
// something has seen it.
func (s *Session) askForPlayer() error {
	if s.server.cfg.Player == nil {
		return nil
	}
	body := binary.BigEndian.AppendUint16(nil, uint16(message.EventSWFVerifyRequest))
	return s.Send(session.Control(message.TypeUserControl, append(body, 1)))
}

// playerVerified takes the client's answer. A wrong one ends the session, as Adobe's servers do.
func (s *Session) playerVerified(response []byte) error {
	player := s.server.cfg.Player
	if player == nil {
		return nil
	}
	wrong := swf.CheckResponse(response, player.Hash, player.Size, s.s1Tail)
	if s.verified = wrong == nil; s.verified {
		return nil
	}
	err := s.status(0, "error", message.CodeConnectRejected, wrong.Error())
	s.hangUp()
	return err
}

// tokenChallenge is what connect's result has for clients that have to know Config.Token.
func (s *Session) tokenChallenge() amf.Object {
	key := s.server.cfg.Token
	if key == "" {
		return nil
	}
	s.token = rand.Text()
	return amf.Object{{Name: "secureToken", Value: auth.SecureTokenChallenge(key, s.token)}}
}

// tokenAnswered takes secureTokenResponse. The cipher works on whole words, and fills them with zeros.
func (s *Session) tokenAnswered(response string) {
	s.tokenKnown = s.token != "" && strings.TrimRight(response, "\x00") == s.token
}

// mayPlay reports whether the client has proved what it has to.
func (s *Session) mayPlay() bool {
	cfg := &s.server.cfg
	return (cfg.Player == nil || s.verified) && (cfg.Token == "" || s.tokenKnown)
}
