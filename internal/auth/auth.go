// Package auth authenticates clients to servers: the SecureToken challenge, and the two schemes by which publishers authenticate themselves
// in connect. It implements both sides of each, and does no I/O.
//
// The RTMP specification describes none of them. The package follows librtmp and FFmpeg, the clients with which servers are tested. The
// schemes use MD5 and TEA, so they do not protect a password that is easy to guess.
package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
)

// Scheme is the name of a scheme for authenticating publishers, as in authmod=adobe.
type Scheme string

// The known schemes.
const (
	Adobe     Scheme = "adobe" // Adobe Media Server's access manager, also used by Wowza and others
	Limelight Scheme = "llnw"  // Limelight Networks, after HTTP digest authentication (RFC 2617)
)

var (
	// ErrNoCredentials means that a server demands a user and a password but none are set.
	ErrNoCredentials = errors.New("the server demands a user and a password")
	// ErrRefused means that a server does not accept the user or the password.
	ErrRefused = errors.New("the server refuses the user or the password")
)

// Error reports a failed authentication. It never contains a password, a key or a response.
type Error struct {
	Scheme Scheme // empty for SecureToken and for a rejection without a scheme
	Detail string // what is wrong
	Value  string // the offending value, truncated; may be empty
	Err    error  // ErrNoCredentials, ErrRefused, or the error of the random source; nil if the peer's text is wrong
}

// Error returns the text "auth: scheme: detail: value: cause".
func (e *Error) Error() string {
	text := "auth"
	if e.Scheme != "" {
		text += ": " + string(e.Scheme)
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Value != "" {
		text += fmt.Sprintf(": %q", e.Value)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func clip(s string) string {
	const limit = 120 // bytes
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}

func randomBytes(r io.Reader, n int) ([]byte, error) {
	if r == nil {
		r = rand.Reader
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("random source: %w", err)
	}
	return b, nil
}
