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

// authServers holds the server's half of the authentication scheme for each Credentials, including the challenges that were issued.
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

// authenticate authenticates a client that announces in connect that it will publish, or that sends credentials. Authentication is possible
// only in connect, since both schemes require the client to connect again. All other clients may connect, but cannot publish.
func (k *commands) authenticate(app application, connect amf.Object) error {
	creds, raw := app.Publishers, property(connect, "app")
	if creds == nil || !publishes(connect) && !strings.Contains(raw, "authmod=") {
		return nil
	}
	_, user, rejection, err := k.server.auth.of(creds).Identify(raw, func(user string) (string, bool) {
		if creds.Password == nil {
			return "", false
		}
		return creds.Password(k.ctx, user)
	})
	if err != nil {
		return err
	}
	if rejection != "" {
		return &Refusal{Code: message.CodeConnectRejected, Description: rejection}
	}
	k.mu.Lock()
	k.user = user
	k.mu.Unlock()
	return nil
}

// publishes reports whether a client announces in connect that it will publish. Clients of Adobe's scheme announce it only in flashVer.
func publishes(connect amf.Object) bool {
	return property(connect, "type") == "nonprivate" || strings.HasPrefix(property(connect, "flashVer"), "FMLE/")
}

// proof records which tests a client has passed. An application may require them before play.
type proof struct {
	player bool   // the client has passed the verification of App.Player
	token  string // the text that the client must decrypt; "" if it was not challenged
	known  bool   // the client has decrypted token
}

// playerQuestion returns the request for SWF verification, or nil if App.Player is nil.
func (k *commands) playerQuestion(app application) []chunk.Outgoing {
	if app.Player == nil {
		return nil
	}
	body := binary.BigEndian.AppendUint16(nil, uint16(message.EventSWFVerifyRequest))
	return []chunk.Outgoing{session.Control(message.TypeUserControl, append(body, 1))}
}

// playerVerified checks the client's answer. A wrong answer ends the connection, as on Adobe's
// servers.
func (k *commands) playerVerified(response []byte) {
	app := k.application()
	if app.App == nil || app.Player == nil {
		return
	}
	player := app.Player
	wrong := swf.CheckResponse(response, player.Hash, player.Size, k.s1Tail)
	if k.proof.player = wrong == nil; !k.proof.player {
		k.log.Info("rtmp: player refused", "error", wrong)
		k.Reject(&Refusal{Description: wrong.Error()})
	}
}

// tokenChallenge returns the properties of connect's result that challenge the client to decrypt App.Token.
func (k *commands) tokenChallenge(app application) amf.Object {
	if app.Token == "" {
		return nil
	}
	k.proof.token = rand.Text()
	return amf.Object{{Name: "secureToken", Value: auth.SecureTokenChallenge(app.Token, k.proof.token)}}
}

// tokenAnswered handles secureTokenResponse. The cipher pads the text to whole words with zeros.
func (k *commands) tokenAnswered(response string) {
	k.proof.known = k.proof.token != "" && strings.TrimRight(response, "\x00") == k.proof.token
}

// mayPlay reports whether the client has passed the tests that the application requires.
func (k *commands) mayPlay(app application) bool {
	return (app.Player == nil || k.proof.player) && (app.Token == "" || k.proof.known)
}
