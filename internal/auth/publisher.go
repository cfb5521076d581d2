package auth

import (
	"encoding/hex"
	"io"
)

// Publisher is the client's side of publisher authentication. A server rejects connect and closes the connection up to twice: first to
// announce the scheme, then, when the client has named the user, with a challenge. Next returns the parameters for the next connect. A
// Publisher is for one attempt to log in. It is not safe for concurrent use.
type Publisher struct {
	// User is sent unescaped, since servers do not decode it. A user whose name contains & or ? can't be authenticated.
	User, Password string
	App            string    // the app of connect without parameters, which is part of Limelight's response
	Rand           io.Reader // source of random bytes, four per challenge; nil means crypto/rand

	sent round
}

type round int

const (
	nothing  round = iota
	name           // the scheme and the user
	response       // the scheme, the user, and the response to the challenge
)

// Next returns the query to append to the original app and tcUrl on the next connection. description is the description with which the
// server rejected the last connect. If again is false, the client must not connect again: either err says why the server refuses the
// client, or err is nil, and the rejection has nothing to do with authentication. Errors are of type *Error and wrap ErrNoCredentials or
// ErrRefused. again is true at most twice.
func (p *Publisher) Next(description string) (query string, again bool, err error) {
	r, found, err := ParseRejection(description)
	if err != nil || !found {
		return "", false, err
	}
	if p.User == "" || p.Password == "" { // like librtmp and FFmpeg, treat an empty password as missing
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
	if next <= p.sent { // some servers ask again instead of sending a reason
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

// answer returns the part of the query that answers a challenge.
func (p *Publisher) answer(r *Rejection) (string, error) {
	b, err := randomBytes(p.Rand, 4)
	if err != nil {
		return "", err
	}
	own := hex.EncodeToString(b) // hex digits, since some servers decode a + in a query to a space
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
