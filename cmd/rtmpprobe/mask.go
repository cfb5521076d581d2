package main

import (
	"strings"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/secret"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// masker returns what replaces the secrets of a URL, and of the options after it, in a text: the stream's name is one, with which on
// many servers who can play can publish, too.
func masker(source string) func(string) string {
	rawURL, options, err := rtmpurl.SplitOptions(source)
	if err != nil {
		return func(string) string { return secret.Mask }
	}
	var secrets []string
	name := func(name string, key bool) { secrets = append(secrets, secret.InName(name, key)...) }
	if u, err := rtmp.ParseURL(rawURL); err == nil {
		secrets = append(secrets, u.Password)
		name(u.Playpath, true)
		name(u.App, false)
	}
	for _, o := range options {
		switch strings.ToLower(o.Name) {
		case "token", "jtv", "conn", "pubpasswd":
			secrets = append(secrets, o.Value)
		case "playpath", "subscribe":
			name(o.Value, true)
		case "app", "tcurl", "swfurl", "pageurl":
			name(o.Value, false)
		}
	}
	return func(text string) string { return secret.Hide(text, secrets) }
}
