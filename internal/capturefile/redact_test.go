package capturefile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/secret"
	"github.com/go-librtmp/rtmp/message"
)

func redacted(t *testing.T, r *redactor, from Direction, name string, args ...any) []any {
	t.Helper()
	body, err := amf.AppendAMF0(nil, append([]any{name, 1.0}, args...)...)
	require.NoError(t, err)
	r.message(from, &Message{Piece: chunk.Piece{Type: uint8(message.TypeCommandAMF0)}, Body: body})
	values, err := amf.DecodeAMF0(body)
	require.NoError(t, err)
	return values[2:]
}

func TestTheSameSecretHasTheSamePlaceholder(t *testing.T) {
	r := newRedactor([]string{"a password"})
	for _, test := range []struct {
		from Direction
		name string
		args []any
		want []any
	}{
		{FromClient, "connect", []any{amf.Object{{Name: "app", Value: "live?a%20password"}, {Name: "tcUrl", Value: "rtmp://host/live?k=a%20password"},
			{Name: "flashVer", Value: "FMLE/3.0"}, {Name: "mine", Value: "a password"}}, "a password"},
			[]any{amf.Object{{Name: "app", Value: "live?secret1xxxxx"[:len("live?a%20password")]}, {Name: "tcUrl", Value: "rtmp://host/live?k=secret1xxxxx"},
				{Name: "flashVer", Value: "FMLE/3.0"}, {Name: "mine", Value: "secret1xxx"}}, "secret1xxx"}},
		{FromClient, "releaseStream", []any{nil, "the-key?t=the-token"}, []any{nil, "secret2?t=secret3xx"}},
		{FromClient, "publish", []any{nil, "the-key?t=the-token", "live"}, []any{nil, "secret2?t=secret3xx", "live"}},
		{FromServer, "onStatus", []any{nil, amf.Object{{Name: "level", Value: "status"}, {Name: "description", Value: "the-key: the%2dtoken."}}},
			[]any{nil, amf.Object{{Name: "level", Value: "status"}, {Name: "description", Value: "secret2: secret3xxxx"[:len("secret2: secret3xxxx")] + "."}}}},
		{FromClient, "play", []any{nil, "film?the-token", -2000.0}, []any{nil, "film?secret3xx", -2000.0}},
		{FromClient, "play", []any{nil, "film of the-key"}, []any{nil, "film of secret2"}},
		{FromClient, "FCPublish", []any{nil, "k"}, []any{nil, "4"}},
		{FromClient, "any", []any{nil, "abc", "k", []any{"abc"}}, []any{nil, "005", "4", []any{"005"}}},
	} {
		assert.Equal(t, test.want, redacted(t, r, test.from, test.name, test.args...), test.name)
	}
}

func TestAuthenticationKeepsItsChallenges(t *testing.T) {
	r := newRedactor(nil)
	text := "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=somebody&salt=abc&challenge=def&opaque=ghi"
	got := redacted(t, r, FromServer, "_error", nil, amf.Object{{Name: "description", Value: text}})
	assert.Equal(t, []any{nil, amf.Object{{Name: "description", Value: strings.Replace(text, "somebody", "secret1x", 1)}}}, got)
}

// TestOverlappingSecrets checks secrets that contain each other, overlap or look like placeholders.
func TestOverlappingSecrets(t *testing.T) {
	r := newRedactor([]string{"abcdef", "cde", "efghij", "secret", "xxx"})
	for _, text := range []string{"abcdefghij", "xxabcdefghijxxx", "secretsecretabcdef", "cdefghij abcde cdef", "a%62c%64efghij"} {
		info := redacted(t, r, FromServer, "onStatus", nil, amf.Object{{Name: "description", Value: text}})[1].(amf.Object)
		got := info[0].Value.(string)
		require.Len(t, got, len(text))
		for _, hidden := range []string{"abcdef", "cde", "efghij", "ghij"} {
			assert.NotContains(t, secret.Unescape(got).Text, hidden, text)
		}
	}
}

// TestMoreSecretsThanAreRemembered checks that strings that may repeat a secret are replaced completely after too many secrets.
func TestMoreSecretsThanAreRemembered(t *testing.T) {
	for name, args := range map[string][]any{"a long one": {strings.Repeat("x", maxSecrets)}, "many": manyTexts(2000)} {
		r := newRedactor(nil)
		redacted(t, r, FromClient, "custom", args...)
		redacted(t, r, FromClient, "publish", nil, "the-key", "live")
		info := redacted(t, r, FromServer, "onStatus", nil, amf.Object{{Name: "code", Value: "a.b"}, {Name: "description", Value: "the-key is on"}})[1].(amf.Object)
		assert.Equal(t, "a.b", info[0].Value)
		assert.NotContains(t, info[1].Value, "the-key", name)
		assert.NotContains(t, info[1].Value, "is on", name)
	}
}

func manyTexts(n int) (all []any) {
	for i := range n {
		all = append(all, fmt.Sprintf("text %d", i))
	}
	return all
}

// TestDamagedCommandsAreBlanked checks that everything after an invalid value is replaced by zeros.
func TestDamagedCommandsAreBlanked(t *testing.T) {
	body, err := amf.AppendAMF0(nil, "custom", 1.0, nil, "a secret")
	require.NoError(t, err)
	for _, end := range [][]byte{{0xFF, 's', 'e', 'c'}, {2, 0xFF, 0xFF, 's'}, {3, 0, 1, 'a'}, {17, 10, 7, 's', 'e', 'c'}, bytes.Repeat([]byte{10, 0, 0, 0, 1}, 100)} {
		r := newRedactor(nil)
		b := append(bytes.Clone(body), end...)
		r.message(FromClient, &Message{Piece: chunk.Piece{Type: uint8(message.TypeCommandAMF0)}, Body: b})
		assert.NotContains(t, string(b), "sec\x00", "%x", end)
		assert.NotContains(t, string(b[len(body):]), "s")
		var e End
		r.addCounts(&e)
		assert.Contains(t, e.Replaced, "end of a command that can't be parsed: 1")
	}
}

// FuzzRedact checks that a redacted command has the same structure, and contains none of the client's strings except those that are known to
// be harmless.
func FuzzRedact(f *testing.F) {
	add := func(t message.Type, values ...any) {
		body, err := amf.AppendAMF0(nil, values...)
		require.NoError(f, err)
		f.Add(uint8(t), true, body)
		f.Add(uint8(t), false, body)
	}
	add(message.TypeCommandAMF0, "connect", 1.0, amf.Object{{Name: "app", Value: "live?x=y"}, {Name: "tcUrl", Value: "rtmp://a:b@c/d?e=f&g"}}, "ticket")
	add(message.TypeCommandAMF0, "publish", 0.0, nil, "key?token", "live")
	add(message.TypeCommandAMF0, "custom", 0.0, nil, amf.AVMPlus{Value: amf.Object{{Name: "a", Value: []any{"a", amf.XML("<a/>"), amf.ByteArray("abc")}}}})
	add(message.TypeDataAMF0, "@setDataFrame", "onMetaData", amf.ECMAArray{{Name: "a", Value: "b"}})
	so, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0, &message.SharedObject{Name: "x", Events: []message.SharedEvent{{Type: message.SharedClear}}})
	require.NoError(f, err)
	f.Add(uint8(message.TypeSharedObjectAMF0), true, so)
	f.Add(uint8(message.TypeUserControl), true, binary.BigEndian.AppendUint32([]byte{0, 27}, 1))
	f.Fuzz(func(t *testing.T, typ uint8, client bool, body []byte) {
		from := FromServer
		if client {
			from = FromClient
		}
		before, bad := amf.DecodeAMF0(message.WithoutSelector(message.Type(typ), bytes.Clone(body)))
		size := len(body)
		r := newRedactor([]string{"live", "abc"})
		r.message(from, &Message{Piece: chunk.Piece{Type: typ}, Body: body})
		require.Len(t, body, size)
		if t := message.Type(typ); bad != nil || t != message.TypeCommandAMF0 && t != message.TypeDataAMF0 {
			return
		}
		after, err := amf.DecodeAMF0(message.WithoutSelector(message.Type(typ), body))
		if err != nil {
			return // if amf can parse a command but values cannot, it is replaced by zeros
		}
		if len(before) == len(after) {
			require.Equal(t, shape(before), shape(after))
		}
	})
}

func shape(v any) string {
	switch v := v.(type) {
	case []any:
		s := "["
		for _, e := range v {
			s += shape(e) + " "
		}
		return s + "]"
	case amf.Object:
		return fmt.Sprint("object ", len(v))
	}
	return fmt.Sprintf("%T", v)
}

// FuzzFilter checks that a Filter without edits passes all bytes unchanged, however they are split.
func FuzzFilter(f *testing.F) {
	w := chunk.NewWriter()
	var wire []byte
	for i, t := range []uint8{20, 9, 1, 20, 9, 2, 4, 20} {
		var err error
		wire, err = w.AppendMessage(wire, &chunk.Outgoing{Type: t, ChunkStreamID: uint32(3 + i%3), Body: bytes.Repeat([]byte{0, 0, 0, byte(9 + i)}, 1+200*(i%4))})
		require.NoError(f, err)
	}
	f.Add(wire, 1, false)
	f.Add(wire, 100, true)
	f.Fuzz(func(t *testing.T, wire []byte, step int, zero bool) {
		var out []byte
		filter := Filter{Holds: holds, Edit: func(m *Message) {
			require.Len(t, m.Body, int(m.Length))
			if zero {
				clear(m.Body)
			}
		}, Emit: func(b []byte) { out = append(out, b...) }}
		lost := 0
		step = max(1, step&0xFFF)
		for b := wire; len(b) > 0; b = b[min(step, len(b)):] {
			lost += filter.Write(b[:min(step, len(b))])
		}
		filter.Close()
		require.Len(t, out, len(wire)-lost)
		if filter.Err() == nil {
			require.Zero(t, lost)
		}
		// The chunk headers must stay at their positions, so that a Scanner returns the same pieces.
		a, b := chunk.NewScanner(), chunk.NewScanner()
		for x, y := wire[:len(out)], out; len(x) > 0; {
			p, n, err := a.Scan(x)
			q, m, err2 := b.Scan(y)
			require.Equal(t, n, m)
			require.Equal(t, err, err2)
			if n == 0 || err != nil {
				break
			}
			require.Equal(t, p.Header, q.Header)
			require.Equal(t, p.Last, q.Last)
			x, y = x[n:], y[n:]
		}
	})
}
