// Package auth proves to a server who a client is: the SecureToken challenge, and the two schemes by which publishers
// authenticate themselves in connect. It has the client's and the server's half of each and does no I/O.
//
// None of it is in the RTMP specification. The rules are those of the clients that servers are tested with, librtmp and
// FFmpeg. MD5 and TEA are theirs too: nothing here protects a password that is easy to guess.
package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
)

// Scheme is the name of a way to authenticate publishers, as in authmod=adobe.
type Scheme string

// The schemes there are.
const (
	Adobe     Scheme = "adobe" // Adobe Media Server's access manager; Wowza and others speak it too
	Limelight Scheme = "llnw"  // Limelight Networks, after HTTP digest authentication (RFC 2617)
)

var (
	// ErrNoCredentials is the cause when a server demands user and password and there are none.
	ErrNoCredentials = errors.New("the server demands a user and a password")
	// ErrRefused is the cause when a server does not accept user and password.
	ErrRefused = errors.New("the server refuses user or password")
)

// Error reports an authentication that came to nothing. It never holds a password, a key or a response.
type Error struct {
	Scheme Scheme // "" where it has none: SecureToken, or a rejection that names none
	Detail string // what is wrong
	Value  string // the offending value, cut short; "" if there is none
	Err    error  // the cause: ErrNoCredentials, ErrRefused, that of a failing random source; nil if the peer's text is at fault
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

// clip cuts a peer's text to what an error should show.
func clip(s string) string {
	const limit = 120 // bytes
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}

// randomBytes fills n bytes from r, or from the system's source if r is nil.
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
