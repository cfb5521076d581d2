package rtmp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// One secret is the beginning of another: the rest of the longer one must not be shown.
func TestMaskedSecretWithinAnother(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.AcceptStream(1)
		p.Expect("publish")
		p.Call(1, "onStatus", 0, nil, message.StatusObject("error", "NetStream.Publish.BadName", "live_1234-abcdef-THEREST is being published"))
		p.UntilGone()
	})
	url = strings.Replace(url, "/app/play", "/app/live", 1)
	c := dialed(t, url, &Options{Publish: true})
	_, err := c.CreateStream(conntest.Context(t), &StreamOptions{Name: "live_1234-abcdef-THEREST", Writable: true})
	require.ErrorContains(t, err, `NetStream.Publish.BadName: "*** is being published"`)
}

// A key that the server writes in another way, or in the code, and what was given by conn= or as a member of connect's object.
func TestMaskedSecretInOtherForms(t *testing.T) {
	const rejected = "NetConnection.Connect.Rejected"
	for _, test := range []struct{ name, code, said, want string }{
		{"in the code", "NetConnection.key-abc/THEREST", "", "NetConnection.***"},
		{"a ticket in the code", "2/ticket-THEREST", "", "2/***"},
		{"escaped", rejected, "stream key%2Dabc%2FTHEREST is taken", `"stream *** is taken"`},
		{"all of it escaped", rejected, "%6b%65%79%2d%61%62%63%2f%54%48%45%52%45%53%54!", `"***!"`},
		{"decoded", rejected, "token a/b/THEREST is old", `"token *** is old"`},
		{"conn", rejected, "ticket-THEREST is not valid", `"*** is not valid"`},
		{"conn, in an object", rejected, "member-THEREST is not valid", `"*** is not valid"`},
		{"a field", rejected, "field-THEREST is not valid", `"*** is not valid"`},
		{"two side by side", rejected, "x ticket-THERESTfield-THERESTTHERE y", `"x ***THERE y"`},
		{"nothing secret", rejected, "100% of 100%25 are taken, %zz", `"100% of 100%25 are taken, %zz"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				cmd := p.Expect("connect")
				p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", test.code, test.said))
				p.UntilGone()
			})
			url = strings.Replace(url, "/app/play", "/app?token=a%2Fb%2fTHEREST&auth=THEREST/key-abc/THEREST", 1)
			_, err := Dial(conntest.Context(t), url, &Options{Publish: true, Playpath: "key-abc/THEREST",
				ConnectData:   []any{"ticket-THEREST", amf.Object{{Name: "a", Value: []any{"member-THEREST"}}}},
				ConnectFields: amf.Object{{Name: "session", Value: "field-THEREST"}}})
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "THEREST")
		})
	}
}

// A program that compares codes is not to be surprised by a key that is a word of theirs.
func TestKeyThatIsAWordOfCodes(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		cmd := p.Expect("connect")
		p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", "NetConnection.Connect.Rejected", ""))
		p.UntilGone()
	})
	_, err := Dial(conntest.Context(t), url, &Options{Publish: true, Playpath: "Connect"})
	var refused *StatusError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "NetConnection.Connect.Rejected", refused.Code)
}
