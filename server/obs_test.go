package server_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestOBS sends what plugins/obs-outputs/librtmp of OBS sends, in the same order. After connect was accepted, it sends releaseStream,
// FCPublish and createStream in one write. It sends _checkbw after the server's onBWDone, and publish after the result of createStream.
// Then come metadata with @setDataFrame and the decoder configurations, and at the end FCUnpublish and deleteStream.
func TestOBS(t *testing.T) {
	var stopped []string
	s := &server.Server{Apps: map[string]*server.App{"live": {
		Live:      server.Live{Linger: -1},
		Unpublish: func(r *server.Request, _ server.StreamStats) { stopped = append(stopped, r.Path) },
	}}}
	addr := start(t, s)
	viewer, err := s.Subscribe(background(t), "live/key", server.SubscribeOptions{})
	require.NoError(t, err)
	defer viewer.Close()

	p := newPeer(t, addr)
	answer := p.connect("live", amf.Property{Name: "type", Value: "nonprivate"},
		amf.Property{Name: "flashVer", Value: "FMLE/3.0 (compatible; FMSc/1.0)"}, amf.Property{Name: "swfUrl", Value: "rtmp://h/live"},
		amf.Property{Name: "tcUrl", Value: "rtmp://h/live"}, amf.Property{Name: "fourCcList", Value: []any{"av01", "hvc1"}})
	require.Equal(t, message.CodeConnectSuccess, message.ParseStatus(answer.Args).Code)
	p.command(0, "releaseStream", 2, nil, "key")
	p.command(0, "FCPublish", 3, nil, "key")
	p.command(0, "createStream", 4, nil)
	p.command(0, "_checkbw", 5, nil)
	for transaction := 2.0; transaction <= 5; transaction++ { // answered in order, and without an _error
		answer := p.answer("_result", "_error")
		require.Equal(t, "_result", answer.Name)
		require.Equal(t, transaction, answer.TransactionID)
		if transaction == 4 {
			require.Equal(t, []any{1.0}, answer.Args)
		}
	}
	p.command(1, "publish", 6, nil, "key", "live")
	require.Equal(t, message.CodePublishStart, p.UntilCode(message.CodePublishStart).Code)

	all := sample(t)[:50]
	for i, tag := range all {
		body := tag.Body
		if i == 0 {
			body = append(amf.AppendString(nil, "@setDataFrame"), body...)
		}
		p.media(message.Type(tag.Type), 1, tag.Timestamp, body)
	}
	for _, want := range all {
		got, err := viewer.Next(background(t))
		require.NoError(t, err)
		require.Equal(t, want, flv.Tag{Type: got.Tag.Type, Timestamp: got.Tag.Timestamp, Body: got.Tag.Body})
	}
	p.command(0, "FCUnpublish", 7, nil, "key")
	p.command(0, "deleteStream", 8, nil, 1.0)
	p.UntilCode(message.CodeUnpublishSuccess)
	p.alive()
	assert.Equal(t, []string{"live/key"}, stopped, "once")
}
