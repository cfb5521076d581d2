package rtmp

import (
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/message"
)

// answerChallenge sends secureTokenResponse when connect's answer holds a challenge and there is a token.
func (k *client) answerChallenge(reply []any) error {
	challenge, found := findValue(reply, "secureToken", 0).(string)
	if !found || k.opts.Token == "" {
		return nil
	}
	response, err := auth.SecureToken(k.opts.Token, challenge)
	if err != nil {
		return &ProtocolError{Phase: "secure token", Err: err}
	}
	return k.session.ReplyCommand(&message.Command{Name: "secureTokenResponse", Args: []any{response}})
}

// findValue finds the first property of that name, however deep, as librtmp does; nil: there is none.
func findValue(values []any, name string, depth int) any {
	if depth > amf.MaxDepth {
		return nil
	}
	for _, value := range values {
		for _, m := range properties(value) {
			if m.Name == name {
				return m.Value
			}
			if found := findValue([]any{m.Value}, name, depth+1); found != nil {
				return found
			}
		}
	}
	return nil
}

// properties are those of an object of any kind, nil of other values.
func properties(value any) []amf.Property {
	switch o := value.(type) {
	case amf.Object:
		return o
	case amf.ECMAArray:
		return o
	case amf.TypedObject:
		return o.Object
	}
	return nil
}
