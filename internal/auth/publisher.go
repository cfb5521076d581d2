package auth

import (
	"encoding/hex"
	"io"
)

// Publisher is the client's half of publisher authentication. A server rejects connect and closes the connection, up to
// twice: once to learn the scheme's name and the user, once with a challenge. Next says with what to connect again.
// A Publisher is for one attempt to get in; it is not safe for concurrent use.
type Publisher struct {
	// User is sent as it is, and servers don't decode it: one with & or ? in its name can't authenticate itself.
	User, Password string
	App            string    // connect's app as it was sent first; Limelight hashes it
	Rand           io.Reader // four bytes are read for each challenge; nil: crypto/rand

	sent round
}

// round is what the last connect carried.
type round int

const (
	nothing  round = iota
	name           // scheme and user
	response       // these, and the answer to the server's challenge
)

// Next takes the description with which the server rejected the last connect, and returns the query to append for the
// next one, on a new connection, to both app and tcUrl as they were at first. It replaces the query of the round before.
// again is false if there should be no next one: with an error if the server does not let us in, without if the rejection
// has nothing to do with authentication. Errors are *Error; errors.Is tells ErrNoCredentials and ErrRefused. Next asks
// for at most two more connections, whatever the server says.
func (p *Publisher) Next(description string) (query string, again bool, err error) {
	r, found, err := ParseRejection(description)
	if err != nil || !found {
		return "", false, err
	}
	if p.User == "" || p.Password == "" { // an empty password counts as none for librtmp and FFmpeg, too
		return "", false, &Error{Scheme: r.Scheme, Err: ErrNoCredentials}
	}
	next := name
	switch r.Reason {
	case NoSuchUser:
		return "", false, &Error{Scheme: r.Scheme, Detail: "no such user", Value: clip(p.User), Err: ErrRefused}
	case AuthFailed:
		return "", false, &Error{Scheme: r.Scheme, Detail: "wrong password for user", Value: clip(p.User), Err: ErrRefused}
	case NeedResponse:
		next = response
	}
	if next <= p.sent { // servers that give no reason ask again instead
		return "", false, &Error{Scheme: r.Scheme, Detail: "asked again for user", Value: clip(p.User), Err: ErrRefused}
	}
	p.sent = next
	query = "?authmod=" + string(r.Scheme) + "&user=" + p.User
	if next == name {
		return query, true, nil
	}
	answer, err := p.answer(&r)
	if err != nil {
		return "", false, &Error{Scheme: r.Scheme, Err: err}
	}
	return query + answer, true, nil
}

// answer is the part of the query that answers a challenge.
func (p *Publisher) answer(r *Rejection) (string, error) {
	b, err := randomBytes(p.Rand, 4)
	if err != nil {
		return "", err
	}
	own := hex.EncodeToString(b) // digits: safe from servers that decode + in a query to a space
	if r.Scheme == Limelight {
		return "&nonce=" + r.Nonce + "&cnonce=" + own + "&nc=" + nonceCount +
			"&response=" + limelightResponse(r.User, p.Password, p.App, r.Nonce, own), nil
	}
	challenge := r.Opaque
	if challenge == "" {
		challenge = r.Challenge
	}
	return "&challenge=" + own + "&response=" + adobeResponse(r.User, p.Password, r.Salt, challenge, own) +
		"&opaque=" + r.Opaque, nil
}
