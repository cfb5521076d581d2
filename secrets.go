package rtmp

import (
	"strings"

	"github.com/go-librtmp/rtmp/internal/quote"
)

// maskedSecret stands for what proves who we are.
const maskedSecret = "***"

// minSecret is the shortest text that is looked for as a secret, in bytes: shorter ones would be found everywhere.
const minSecret = 3

// mask replaces our secrets in a text of the server's.
func (c *Conn) mask(text string) string {
	if text == "" {
		return ""
	}
	_, password := c.credentials()
	secrets := []string{password, c.opts.Auth, c.opts.Token, c.opts.UsherToken}
	for _, named := range []string{c.app(), c.tcURL(), c.opts.Subscribe} {
		secrets = append(secrets, secretsOf(named, false)...)
	}
	secrets = append(secrets, secretsOf(c.playpath(), c.opts.publishes())...)
	for _, s := range c.streams.all() {
		secrets = append(secrets, secretsOf(s.name, s.options.Writable)...)
	}
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			text = strings.ReplaceAll(text, secret, maskedSecret)
		}
	}
	return text
}

// secretsOf are what is secret of a name: the query with its values, and all of it where it is a key.
func secretsOf(name string, key bool) (secrets []string) {
	plain, query, _ := strings.Cut(name, "?")
	if key {
		secrets = append(secrets, name, plain)
	}
	secrets = append(secrets, query)
	for pair := range strings.SplitSeq(query, "&") {
		_, value, _ := strings.Cut(pair, "=")
		secrets = append(secrets, value)
	}
	return secrets
}

// opening is what is done with the stream, for errors. The name of a stream that is published is a key, and what follows a ?
// in that of another a token.
func (s *Stream) opening(what string) string {
	name, _, _ := strings.Cut(s.name, "?")
	if s.options.Writable || name == "" {
		return what
	}
	return what + " " + quote.Peer(name)
}
