package auth

import (
	"crypto/subtle"
	"encoding/base64"
	"io"
	"strings"
	"sync"
)

// maxIssued is the maximum number of challenges without an answer. If there are more, some are dropped, and the clients that answer them are
// refused.
const maxIssued = 1024

// Server is the server's side of publisher authentication. It is safe for concurrent use.
type Server struct {
	Scheme Scheme            // Adobe or Limelight
	Users  map[string]string // passwords by user; user names must not contain & or ?
	Rand   io.Reader         // source of challenges, read by one goroutine at a time; nil means crypto/rand

	mu     sync.Mutex
	issued map[string]challenge // unanswered challenges by opaque (Adobe) or nonce (Limelight)
}

type challenge struct{ user, salt string }

// Verify checks the app of a publisher's connect. name is the app without the authentication parameters. If rejection is not empty, the
// publisher has not authenticated yet: reject the connect with this description. The error is an *Error that wraps the error of Rand. Each
// challenge can be answered once, even with a wrong response.
func (s *Server) Verify(app string) (name, rejection string, err error) {
	name, _, rejection, err = s.Identify(app, func(user string) (string, bool) {
		password, ok := s.Users[user]
		return password, ok
	})
	return name, rejection, err
}

// Identify is like Verify, but calls passwords instead of using Users, and also returns the authenticated user.
func (s *Server) Identify(app string, passwords func(user string) (string, bool)) (name, user, rejection string, err error) {
	name, query, found := strings.Cut(app, "?authmod=")
	p := make(map[string]string)
	if found && len(query) <= maxText {
		p = parameters("authmod=" + query)
	}
	if p["authmod"] != string(s.Scheme) {
		return name, "", "[ AccessManager.Reject ] : [ code=403 need auth; authmod=" + string(s.Scheme) + " ] : ", nil
	}
	password, known := passwords(p["user"])
	_, answered := p["response"]
	switch {
	case !known:
		return name, "", s.reject("nosuchuser"), nil
	case !answered:
		rejection, err = s.challenge(p["user"])
		return name, "", rejection, err
	case s.answers(name, password, p):
		return name, p["user"], "", nil
	case s.Scheme == Limelight:
		return name, "", s.reject("authfail"), nil
	}
	return name, "", s.reject("authfailed"), nil
}

func (s *Server) reject(reason string) string {
	return "[ AccessManager.Reject ] : [ authmod=" + string(s.Scheme) + " ] : ?reason=" + reason
}

func (s *Server) challenge(user string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := randomBytes(s.Rand, 22)
	if err != nil {
		return "", &Error{Scheme: s.Scheme, Err: err}
	}
	for id := range s.issued {
		if len(s.issued) < maxIssued {
			break
		}
		delete(s.issued, id)
	}
	if s.issued == nil {
		s.issued = make(map[string]challenge)
	}
	text := base64.StdEncoding.EncodeToString
	id, salt := text(b[:8]), text(b[8:14])
	s.issued[id] = challenge{user: user, salt: salt}
	rejection := s.reject("needauth&user=" + user)
	if s.Scheme == Limelight {
		return rejection + "&nonce=" + id, nil
	}
	// Clients must use the opaque value instead of the challenge. A client that uses the challenge is refused.
	return rejection + "&salt=" + salt + "&challenge=" + text(b[14:]) + "&opaque=" + id, nil
}

// answers reports whether p answers a challenge that was issued to its user.
func (s *Server) answers(app, password string, p map[string]string) bool {
	id := p["opaque"]
	if s.Scheme == Limelight {
		id = p["nonce"]
	}
	s.mu.Lock()
	c, found := s.issued[id]
	delete(s.issued, id)
	s.mu.Unlock()
	if !found || c.user != p["user"] {
		return false
	}
	want := adobeResponse(c.user, password, c.salt, id, p["challenge"])
	if s.Scheme == Limelight {
		want = limelightResponse(c.user, password, app, id, p["cnonce"])
	}
	return subtle.ConstantTimeCompare([]byte(want), []byte(p["response"])) == 1
}
