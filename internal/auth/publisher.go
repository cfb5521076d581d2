package auth

import (
	"encoding/hex"
	"io"
)

// Publisher is the client's half of publisher authentication. A server rejects connect and closes the connection up to twice: once to
// announce the scheme, after which the client names the user, and once with a challenge. Next returns what to append to the next connect.
// A Publisher is for one attempt to log in. It is not safe for concurrent use.
type Publisher struct {
	// User is sent unescaped, and servers don't decode it, so a name with & or ? can't be authenticated.
	User, Password string
	App            string    // connect's original app, which Limelight hashes
	Rand           io.Reader // source of random bytes, four per challenge; nil means crypto/rand

	sent round
}

// round says what the last connect contained.
type round int

const (
	nothing  round = iota
	name           // scheme and user
	response       // scheme and user, and the response to the challenge
)

// Next takes the description with which the server rejected the last connect. It returns the query to append to the original app and
// tcUrl on the next connection. again is false if there should be no next connection: with an error if the server refuses the client, and
// without one if the rejection has nothing to do with authentication. Errors are of type *Error and wrap ErrNoCredentials or ErrRefused.
// Next asks for at most two more connections, whatever the server says.
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
	if next <= p.sent { // instead of giving a reason, some servers ask again
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
