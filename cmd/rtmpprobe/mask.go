package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-librtmp/rtmp"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// masked replaces secrets.
const masked = "***"

// minSecret is the shortest text that is masked, in bytes. Shorter ones would be found everywhere.
const minSecret = 3

// maxText is how much of a text is looked at, in bytes: far more than is shown of any.
const maxText = 4 << 10

// challenges are what users and passwords are made into: from a salt, a challenge and the response a password can be guessed.
var challenges = regexp.MustCompile(`\b(user|salt|challenge|nonce|cnonce|response|opaque)=[^&\s"]+`)

// masker returns a function that masks the secrets of a URL and of its options in a text. The stream's name is a
// secret, since on many servers it is enough to publish the stream.
func masker(source string) func(string) string {
	rawURL, options, err := rtmpurl.SplitOptions(source)
	if err != nil {
		return func(string) string { return masked }
	}
	user := false
	var secrets []string
	query := func(name string) {
		plain, query, _ := strings.Cut(name, "?")
		secrets = append(secrets, name, plain, query)
		for pair := range strings.SplitSeq(query, "&") {
			_, value, _ := strings.Cut(pair, "=")
			secrets = append(secrets, value)
		}
	}
	if u, err := rtmp.ParseURL(rawURL); err == nil {
		user = u.User != ""
		secrets = append(secrets, u.User, u.Password)
		query(u.Playpath)
		_, appQuery, _ := strings.Cut(u.App, "?")
		query("?" + appQuery)
	}
	for _, o := range options {
		switch strings.ToLower(o.Name) {
		case "pubuser", "pubpasswd":
			user = true
			secrets = append(secrets, o.Value)
		case "token", "jtv":
			secrets = append(secrets, o.Value)
		case "conn": // a type, for members of objects a name, and the value
			parts := strings.SplitN(o.Value, ":", 3)
			secrets = append(secrets, strings.Join(parts[1:], ":"), parts[len(parts)-1])
		case "playpath", "subscribe":
			query(o.Value)
		case "app", "tcurl", "swfurl", "pageurl":
			_, appQuery, _ := strings.Cut(o.Value, "?")
			query("?" + appQuery)
		}
	}
	for _, s := range secrets { // as errors quote them
		quoted := strconv.QuoteToGraphic(s)
		secrets = append(secrets, quoted[1:len(quoted)-1])
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(s) < minSecret })
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // longest first, since some may contain others
	return func(text string) string {
		cut := len(text) > maxText
		if cut {
			text = text[:maxText]
		}
		for _, secret := range secrets {
			text = strings.ReplaceAll(text, secret, masked)
		}
		if user {
			text = challenges.ReplaceAllString(text, "$1="+masked)
		}
		if cut && len(secrets) > 0 { // the end may be the beginning of one
			text = text[:max(0, len(text)-len(secrets[0]))]
		}
		return text
	}
}
