package capturefile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

func redact(r *redactor, from Direction, t message.Type, body []byte) End {
	r.message(from, &Message{Piece: chunk.Piece{Type: uint8(t)}, Body: body})
	var e End
	r.addCounts(&e)
	return e
}

// TestSharedObjectsLoseTheirTexts checks that the strings of shared objects and all known secrets are replaced, and nothing else.
func TestSharedObjectsLoseTheirTexts(t *testing.T) {
	value := func(values ...any) string {
		b, err := amf.AppendAMF0(nil, values...)
		require.NoError(t, err)
		return string(b)
	}
	name := func(s string) string { return string(message.AppendSharedName(nil, s)) }
	for _, test := range []struct {
		name       string
		event      message.SharedEventType
		data, want string
		replaced   []string
	}{
		{"a change", message.SharedChange, name("a") + value("hello") + name("the-secret") + value(1.0),
			name("a") + value("00002") + name("secret1xxx") + value(1.0), []string{"shared object: 1"}},
		{"a request to change", message.SharedRequestChange, name("a") + value("hello"), name("a") + value("00002"), []string{"shared object: 1"}},
		{"a first state", message.SharedUseSuccess, name("a") + value(amf.Object{{Name: "b", Value: "the-secret"}}),
			name("a") + value(amf.Object{{Name: "b", Value: "secret1xxx"}}), []string{"shared object: 1"}},
		{"a change that is cut", message.SharedChange, name("a") + value("hello") + name("b") + "\x02\x00\x09oh",
			name("a") + value("00002") + name("b") + "\x02\x00\x09\x00\x00", []string{"shared object: 1"}},
		{"a message", message.SharedSendMessage, value("say", "hello", []any{"hi"}), value("say", "00002", []any{"03"}), []string{"shared object: 2"}},
		{"a message that is cut", message.SharedSendMessage, value("say", "hello") + "\x02\x00\x09oh", value("say", "00002") + "\x02\x00\x09\x00\x00", []string{"shared object: 1"}},
		{"an acknowledgement", message.SharedSuccess, name("the-secret") + name("b"), name("secret1xxx") + name("b"), nil},
		{"a removal", message.SharedRemove, name("the-secret"), name("secret1xxx"), nil},
		{"a request to remove", message.SharedRequestRemove, name("the-secret"), name("secret1xxx"), nil},
		{"a status", message.SharedStatus, name("SharedObject.AttributeError") + name("the-secret"), name("SharedObject.AttributeError") + name("secret1xxx"), nil},
		{"a use, which has no data", message.SharedUse, "hello", "\x00\x00\x00\x00\x00", []string{"shared object event of unknown meaning: 1"}},
		{"an unknown event", 77, "hello", "\x00\x00\x00\x00\x00", []string{"shared object event of unknown meaning: 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, typ := range []message.Type{message.TypeSharedObjectAMF0, message.TypeSharedObjectAMF3} {
				so := message.SharedObject{Name: "chat", Events: []message.SharedEvent{{Type: message.SharedUse}, {Type: test.event, Data: []byte(test.data)},
					{Type: message.SharedClear}}}
				body, err := message.AppendSharedObject(nil, typ, &so)
				require.NoError(t, err)
				so.Events[0].Data, so.Events[1].Data, so.Events[2].Data = []byte{}, []byte(test.want), []byte{}
				end := redact(newRedactor([]string{"the-secret"}), FromClient, typ, body)
				got, err := message.ParseSharedObject(typ, body)
				require.NoError(t, err)
				assert.Equal(t, so, got)
				assert.Equal(t, test.replaced, end.Replaced)
			}
		})
	}
}

// TestDamagedSharedObjectsAreBlanked checks that everything after the readable part of a shared object is replaced by zeros.
func TestDamagedSharedObjectsAreBlanked(t *testing.T) {
	so, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0, &message.SharedObject{Name: "chat"})
	require.NoError(t, err)
	for _, test := range []struct{ body, want string }{
		{string(so) + "\x04sec", string(so) + "\x00\x00\x00\x00"},
		{string(so) + "\x04\x00\x00\x00\x09sec", string(so) + "\x04\x00\x00\x00\x09\x00\x00\x00"},
		{string(so) + "\x04\xff\xff\xff\xffsec", string(so) + "\x04\xff\xff\xff\xff\x00\x00\x00"},
		{string(so[:len(so)-1]), "\x00\x04chat" + strings.Repeat("\x00", 11)},
		{"\x00\x09sec", "\x00\x09\x00\x00\x00"},
	} {
		body := []byte(test.body)
		end := redact(newRedactor(nil), FromServer, message.TypeSharedObjectAMF0, body)
		assert.Equal(t, test.want, string(body))
		assert.Equal(t, []string{"end of a shared object that can't be parsed: 1"}, end.Replaced)
	}
}

func TestSWFVerificationLosesItsDigests(t *testing.T) {
	answer := append([]byte{0, byte(message.EventSWFVerifyResponse), 1, 1, 0, 0, 0, 9, 0, 0, 0}, "digests"...)
	ping := append([]byte{0, byte(message.EventPingRequest), 1, 1, 0, 0, 0, 9, 0, 0, 0}, "digests"...)
	for _, test := range []struct {
		body, want string
		replaced   []string
	}{
		{string(answer), string(answer[:10]) + strings.Repeat("\x00", 8), []string{"SWF verification digest: 1"}},
		{string(answer[:10]), string(answer[:10]), nil},
		{string(ping), string(ping), nil},
		{"", "", nil},
	} {
		body := []byte(test.body)
		end := redact(newRedactor(nil), FromClient, message.TypeUserControl, body)
		assert.Equal(t, test.want, string(body))
		assert.Equal(t, test.replaced, end.Replaced)
	}
}

// TestDataMessages checks that a data message keeps its name and strings, except for known secrets and secrets in URLs.
func TestDataMessages(t *testing.T) {
	body := func(name, text string) []byte {
		b, err := amf.AppendAMF0(nil, name, amf.ECMAArray{{Name: "encoder", Value: text}})
		require.NoError(t, err)
		return b
	}
	for _, selector := range [][]byte{nil, {0}} { // without a selector, and with that of AMF3 messages
		got := append(selector, body("the-secret", "the-secret at rtmp://me:pass@host/live?key=abc")...)
		end := redact(newRedactor([]string{"the-secret"}), FromClient, message.TypeDataAMF3, got)
		want := body("the-secret", "secret1xxx at rtmp://03:0004@host/live?key=002")
		assert.Equal(t, append(selector, want...), got)
		assert.Equal(t, End{Replaced: []string{"data message the-secret: 1"}, Kept: []string{"data message the-secret: 1"}}, end)
	}
}

func TestEmptyMessages(t *testing.T) {
	for _, typ := range []message.Type{message.TypeCommandAMF3, message.TypeDataAMF0, message.TypeUserControl} {
		assert.Equal(t, End{}, redact(newRedactor(nil), FromClient, typ, nil))
	}
}

// TestArgumentsOfCommands checks which arguments of a command are kept, and how End counts them.
func TestArgumentsOfCommands(t *testing.T) {
	for _, test := range []struct {
		from     Direction
		name     string
		args     []any
		want     []any
		replaced []string
		kept     []string
	}{
		{FromClient, "FCPublish", []any{nil, "name"}, []any{nil, "0001"}, []string{"publishing name: 1"}, nil},
		{FromClient, "FCUnpublish", []any{nil, "name"}, []any{nil, "0001"}, []string{"publishing name: 1"}, nil},
		{FromClient, "releaseStream", []any{nil, "name"}, []any{nil, "0001"}, []string{"publishing name: 1"}, nil},
		{FromClient, "publish", []any{nil, "name", "live", "more"}, []any{nil, "0001", "live", "0002"},
			[]string{"publish's argument 3: 1", "publishing name: 1"}, nil},
		{FromClient, "FCSubscribe", []any{nil, "name?k=v"}, []any{nil, "name?k=1"}, []string{"FCSubscribe's argument 1: 1"}, []string{"name of a stream that is played: 1"}},
		{FromClient, "play2", []any{nil, amf.Object{{Name: "streamName", Value: "new"}, {Name: "oldStreamName", Value: "old"},
			{Name: "transition", Value: "switch"}, {Name: "more", Value: "more"}}},
			[]any{nil, amf.Object{{Name: "streamName", Value: "new"}, {Name: "oldStreamName", Value: "old"}, {Name: "transition", Value: "switch"},
				{Name: "more", Value: "0001"}}}, []string{"property of play2: 1"}, []string{"name of a stream that is played: 2"}},
		{FromClient, "set_playlist", []any{nil, []any{"one", "two"}}, []any{nil, []any{"one", "two"}}, nil, []string{"name of a stream that is played: 2"}},
		{FromClient, "other", []any{"object", "transition", 1.0, 2.0}, []any{"000001", "secret2xxx", 1.0, 2.0},
			[]string{"other's argument 1: 1", "other: 1"}, []string{"number in other: 2"}},
		{FromClient, "other", []any{7.0, 1.0}, []any{7.0, 1.0}, nil, []string{"number in other: 1"}},
		{FromClient, "seek", []any{nil, 1000.0}, []any{nil, 1000.0}, nil, nil},
		{FromClient, "_result", []any{nil, "text"}, []any{nil, "0001"}, []string{"_result's argument 1: 1"}, nil},
		{FromServer, "_error", []any{nil, "text"}, []any{nil, "text"}, nil, []string{"_error's argument 1: 1"}},
		{FromServer, "_result", []any{nil, "text"}, []any{nil, "0001"}, []string{"_result's argument 1: 1"}, nil},
		{FromServer, "_result", []any{amf.Object{{Name: "fmsVer", Value: "FMS/3"}, {Name: "mine", Value: "text"}}},
			[]any{amf.Object{{Name: "fmsVer", Value: "FMS/3"}, {Name: "mine", Value: "0001"}}}, []string{"property of _result: 1"}, []string{"_result's fmsVer: 1"}},
	} {
		r := newRedactor(nil)
		assert.Equal(t, test.want, redacted(t, r, test.from, test.name, test.args...), test.name)
		var e End
		r.addCounts(&e)
		assert.Equal(t, test.replaced, e.Replaced, test.name)
		assert.Equal(t, test.kept, e.Kept, test.name)
	}
}
