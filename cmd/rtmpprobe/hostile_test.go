package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
)

// spiteful is a server that repeats all secrets wherever it can, and that sends escape sequences and NaNs.
func spiteful(says string) func(*peertest.Peer) {
	object := func(level, code string) amf.Object {
		return amf.Object{{Name: "level", Value: level}, {Name: "code", Value: code}, {Name: "description", Value: says},
			{Name: "objectEncoding", Value: math.Inf(1)}, {Name: "capsEx", Value: math.NaN()}, {Name: "fourCcList", Value: []any{says}},
			{Name: "videoFourCcInfoMap", Value: amf.Object{{Name: says, Value: 1.0}}}}
	}
	return func(p *peertest.Peer) {
		connect := p.Expect("connect")
		p.Call(0, "_result", connect.TransactionID, amf.Object{{Name: "fmsVer", Value: says}, {Name: "capabilities", Value: math.NaN()},
			{Name: "srs_version", Value: says}, {Name: says, Value: says}}, object("status", message.CodeConnectSuccess))
		p.AcceptStream(1)
		p.Expect("play")
		p.Call(1, "onStatus", 0, nil, object(says, "NetStream.Play."+says))
		p.Call(1, says, 7, nil, says)
		p.Status(message.CodePlayStart)
		p.Data("onMetaData", amf.ECMAArray{{Name: says, Value: says}, {Name: "width", Value: math.NaN()}, {Name: "height", Value: math.Inf(-1)},
			{Name: "duration", Value: math.Inf(1)}, {Name: "framerate", Value: math.NaN()}})
		p.Data(says, says)
		p.Media(message.TypeVideo, 0, []byte{0x91, 0x1b, '[', '2', 'J', 1})
		p.Media(message.TypeAudio, math.MaxUint32, []byte{0x91, 0x1b, '[', '2', 'J', 1})
		p.Media(message.TypeVideo, 1<<31, nil)
		p.Status(message.CodePlayStop)
		p.UntilGone()
	}
}

// TestASpitefulServer checks that the report about a spiteful server can be displayed and parsed, and contains no secrets.
func TestASpitefulServer(t *testing.T) {
	t.Parallel()
	secrets := []string{"us3r", "pa55word", "t0ken", `s3cret"key`, "c0nn", "sa1t", "r3sponse"}
	says := "\x1b[2J\r\nerror \u202e" + strings.Join(secrets[:5], " ") + "?authmod=adobe&salt=sa1t&response=r3sponse"
	for _, says := range []string{says, strings.Repeat("x", 190) + says, strings.Repeat(says, 600)} {
		for _, form := range []string{"--try=never", "--json", "--dump"} {
			url, _ := peertest.Listen(t, spiteful(says))
			url = strings.Replace(strings.TrimSuffix(url, "app/play"), "://", "://us3r:pa55word@", 1) + `app?t=t0ken/s3cret"key conn=S:c0nn`
			got := command(t, "--try", "never", form, url)
			assert.Equal(t, 1, got.code, got.stderr)
			assert.Empty(t, got.stderr)
			for _, secret := range append(secrets, `s3cret\"key`) {
				assert.NotContains(t, got.stdout, secret, form)
			}
			assert.Equal(t, -1, strings.IndexFunc(got.stdout, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }))
			if form == "--json" {
				assert.True(t, json.Valid([]byte(got.stdout)))
			}
			assert.Less(t, len(got.stdout), 20_000)
		}
	}
}
