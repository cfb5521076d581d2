package rtmp

import (
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/secret"
)

// secrets returns the texts in s that only the server may learn.
func (s settings) secrets() []string {
	_, password := s.credentials()
	secrets := []string{password, s.opts.Auth, s.opts.Token, s.opts.UsherToken}
	for _, named := range []string{s.app(), s.tcURL(), s.opts.Subscribe} {
		secrets = append(secrets, secret.InName(named, false)...)
	}
	secrets = append(secrets, secret.InName(s.playpath(), s.opts.publishes())...)
	secrets = appendTexts(secrets, s.opts.ConnectData)
	return appendTexts(secrets, s.opts.ConnectFields)
}

// appendTexts appends the strings in a value of connect. They are often tickets.
func appendTexts(texts []string, value any) []string {
	switch v := value.(type) {
	case string:
		return append(texts, v)
	case []any:
		for _, element := range v {
			texts = appendTexts(texts, element)
		}
	}
	for _, member := range amf.Members(value) {
		texts = appendTexts(texts, member.Value)
	}
	return texts
}
