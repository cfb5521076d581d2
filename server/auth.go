package server

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/swf"
)

// authServers have the challenges that were issued, by the Credentials that they are for.
type authServers struct {
	mu  sync.Mutex
	all map[*Credentials]*auth.Server
}

func (a *authServers) of(c *Credentials) *auth.Server {
	a.mu.Lock()
	defer a.mu.Unlock()
	server := a.all[c]
	if server == nil {
		server = &auth.Server{Scheme: auth.Scheme(c.Scheme)}
		if a.all == nil {
			a.all = make(map[*Credentials]*auth.Server)
		}
		a.all[c] = server
	}
	return server
}

// authenticate finds out who a client is that says that it publishes, or that authenticates itself. Only in connect can it: both
// schemes ask it there to connect again. Clients that say nothing connect, but don't publish.
func (c *Conn) authenticate(app application, connect amf.Object) error {
	creds, raw := app.Publishers, property(connect, "app")
	if creds == nil || !publishes(connect) && !strings.Contains(raw, "authmod=") {
		return nil
	}
	_, user, rejection, err := c.server.auth.of(creds).Identify(raw, func(user string) (string, bool) {
		if creds.Password == nil {
			return "", false
		}
		return creds.Password(c.ctx, user)
	})
	if err != nil {
		return err
	}
	if rejection != "" {
		return &Refusal{Code: message.CodeConnectRejected, Description: rejection}
	}
	c.mu.Lock()
	c.user = user
	c.mu.Unlock()
	return nil
}

// publishes reports whether a client says that it is going to publish. That is all a server can know this early; Adobe's goes by
// flashVer.
func publishes(connect amf.Object) bool {
	return property(connect, "type") == "nonprivate" || strings.HasPrefix(property(connect, "flashVer"), "FMLE/")
}

// proof is what a client has proved for playing.
type proof struct {
	player bool   // it is App.Player
	token  string // what the challenge decrypts to
	known  bool   // it has decrypted that
}

// playerQuestion is the request for SWF verification.
func (c *Conn) playerQuestion(app application) []chunk.Outgoing {
	if app.Player == nil {
		return nil
	}
	body := binary.BigEndian.AppendUint16(nil, uint16(message.EventSWFVerifyRequest))
	return []chunk.Outgoing{session.Control(message.TypeUserControl, append(body, 1))}
}

// playerVerified takes the client's answer. A wrong one ends the connection, as Adobe's servers do.
func (c *Conn) playerVerified(response []byte) {
	app := c.application()
	if app.App == nil || app.Player == nil {
		return
	}
	player := app.Player
	wrong := swf.CheckResponse(response, player.Hash, player.Size, c.s1Tail)
	if c.proof.player = wrong == nil; !c.proof.player {
		c.Reject(&Refusal{Description: wrong.Error()})
	}
}

// tokenChallenge is what connect's result has for clients that have to know App.Token.
func (c *Conn) tokenChallenge(app application) amf.Object {
	if app.Token == "" {
		return nil
	}
	c.proof.token = rand.Text()
	return amf.Object{{Name: "secureToken", Value: auth.SecureTokenChallenge(app.Token, c.proof.token)}}
}

// tokenAnswered takes secureTokenResponse. The cipher works on whole words, and fills them with zeros.
func (c *Conn) tokenAnswered(response string) {
	c.proof.known = c.proof.token != "" && strings.TrimRight(response, "\x00") == c.proof.token
}

// mayPlay reports whether the client has proved what it has to.
func (c *Conn) mayPlay(app application) bool {
	return (app.Player == nil || c.proof.player) && (app.Token == "" || c.proof.known)
}
