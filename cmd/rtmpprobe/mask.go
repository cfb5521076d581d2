package main

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/secret"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// maxText is the part of a text that is searched for secrets, in bytes. Texts that are shown are shorter.
const maxText = 4 << 10

// challenges matches the parameters of a challenge and its response, from which a password can be guessed.
var challenges = regexp.MustCompile(`\b(user|salt|challenge|nonce|cnonce|response|opaque)=[^&\s"]+`)

// masker returns a function that masks the secrets of a URL and of its options in a text. It also masks the stream's name, since on many
// servers, whoever knows the name can publish the stream.
func masker(source string) func(string) string {
	rawURL, options, err := rtmpurl.SplitOptions(source)
	if err != nil {
		return func(string) string { return secret.Mask }
	}
	user := false
	var secrets []string
	add := func(name string, key bool) { secrets = append(secrets, secret.InName(name, key)...) }
	if u, err := rtmp.ParseURL(rawURL); err == nil {
		user = u.User != ""
		secrets = append(secrets, u.User, u.Password)
		add(u.Playpath, true)
		add(u.App, false)
	}
	for _, o := range options {
		switch strings.ToLower(o.Name) {
		case "pubuser", "pubpasswd":
			user = true
			secrets = append(secrets, o.Value)
		case "token", "jtv":
			secrets = append(secrets, o.Value)
		case "conn": // type:value, or type:name:value for a member of an object
			parts := strings.SplitN(o.Value, ":", 3)
			secrets = append(secrets, strings.Join(parts[1:], ":"), parts[len(parts)-1])
		case "playpath", "subscribe":
			add(o.Value, true)
		case "app", "tcurl", "swfurl", "pageurl":
			add(o.Value, false)
		}
	}
	for _, s := range secrets { // errors contain them in quoted form, so mask that form, too
		quoted := strconv.QuoteToGraphic(s)
		secrets = append(secrets, quoted[1:len(quoted)-1])
	}
	longest := 0
	for _, s := range secrets {
		longest = max(longest, len(s))
	}
	return func(text string) string {
		cut := len(text) > maxText
		if cut {
			text = text[:maxText]
		}
		text = secret.Hide(optionNames.Replace(text), secrets)
		if user {
			text = challenges.ReplaceAllString(text, "$1="+secret.Mask)
		}
		if cut { // a cut text may end with a part of a secret, in which each byte is written as %XX
			text = text[:max(0, len(text)-3*longest)]
		}
		return text
	}
}
