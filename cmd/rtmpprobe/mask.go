package main

import (
	"slices"
	"strings"

	"github.com/go-librtmp/rtmp"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// masked replaces secrets.
const masked = "***"

// minSecret is the shortest text that is masked, in bytes. Shorter ones would be found everywhere.
const minSecret = 3

// masker returns a function that masks the secrets of a URL and of its options in a text. The stream's name is a
// secret, since on many servers it is enough to publish the stream.
func masker(source string) func(string) string {
	rawURL, options, err := rtmpurl.SplitOptions(source)
	if err != nil {
		return func(string) string { return masked }
	}
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
		secrets = append(secrets, u.Password)
		query(u.Playpath)
		_, appQuery, _ := strings.Cut(u.App, "?")
		query("?" + appQuery)
	}
	for _, o := range options {
		switch strings.ToLower(o.Name) {
		case "token", "jtv", "conn", "pubpasswd":
			secrets = append(secrets, o.Value)
		case "playpath", "subscribe":
			query(o.Value)
		case "app", "tcurl", "swfurl", "pageurl":
			_, appQuery, _ := strings.Cut(o.Value, "?")
			query("?" + appQuery)
		}
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(s) < minSecret })
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // longest first, since some may contain others
	return func(text string) string {
		for _, secret := range secrets {
			text = strings.ReplaceAll(text, secret, masked)
		}
		return text
	}
}
