package rtmp

import (
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

type traced struct {
	mu     sync.Mutex
	events []string
	info   HandshakeInfo
	bytes  int // bytes of the media received
}

func (r *traced) add(event string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event)
}

func (r *traced) trace() *Trace {
	packet := func(who string) func(*Packet) {
		return func(p *Packet) {
			if cmd, err := message.ParseCommand(p.Type, p.Body); err == nil && cmd.Name != "" {
				r.add(who + " " + cmd.Name)
			}
			if p.Type == message.TypeVideo {
				r.mu.Lock()
				r.bytes += len(p.Body)
				r.mu.Unlock()
			}
		}
	}
	return &Trace{
		Connecting: func(enhanced bool, p Pipelining) {
			if enhanced && p == PipelineNone {
				r.add("connecting")
			}
		},
		HandshakeStart: func() { r.add("handshake start") },
		HandshakeDone: func(info HandshakeInfo, err error) {
			r.mu.Lock()
			r.info = info
			r.mu.Unlock()
			if err != nil {
				r.add("handshake failed")
				return
			}
			r.add("handshake done")
		},
		Sent: packet("sent"), Received: packet("received"),
	}
}

func TestTrace(t *testing.T) {
	srv := rtmptest.Server(t, testserver.Config{Scheme: "rtmps"})
	var r traced
	client := &httptrace.ClientTrace{
		ConnectDone:      func(_, _ string, err error) { assert.NoError(t, err); r.add("tcp") },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) { assert.NotEmpty(t, state.PeerCertificates); r.add("tls") },
	}
	ctx := httptrace.WithClientTrace(conntest.Context(t), client)
	c, err := Dial(ctx, srv.URL("vod", "sample"), &Options{Trace: r.trace(), TLSConfig: testserver.ClientTLS()})
	require.NoError(t, err)
	defer c.Close()
	s, err := c.CreateStream(ctx, nil)
	require.NoError(t, err)
	var p Packet
	bytes := 0
	for s.ReadPacket(&p) == nil {
		if p.Type == message.TypeVideo {
			bytes += len(p.Body)
		}
	}
	assert.Equal(t, []string{"connecting", "tcp", "tls", "handshake start", "handshake done", "sent connect", "received _result",
		"sent createStream", "received _result", "sent play", "received onStatus"}, r.events[:11])
	assert.Equal(t, bytes, r.bytes)
	assert.EqualValues(t, 3, r.info.ServerType)
	assert.True(t, r.info.ReplyValid)
	assert.Positive(t, r.info.Duration)
}

func TestTraceOfAFailedHandshake(t *testing.T) {
	var r traced
	_, err := Dial(conntest.Context(t), "rtmp://"+newRawServer(t, "HTTP/1.1 400 Bad Request\r\n\r\n")+"/a/p", &Options{Trace: r.trace()})
	require.Error(t, err)
	assert.Equal(t, []string{"connecting", "handshake start", "handshake failed"}, r.events)
	assert.Zero(t, r.info.ServerType)
}

func TestToleratedChunks(t *testing.T) {
	srv := rtmptest.Server(t, testserver.Config{ChunkSize: 128,
		Shape: testserver.Shape{OmitExtendedType3: true, TimestampOffset: 1 << 25, AbortEvery: 50}})
	c, s := playing(t, srv.URL("vod", "sample"), nil)
	var p Packet
	for s.ReadPacket(&p) == nil {
	}
	assert.Positive(t, c.Stats().Tolerated.MissingExtended)
	assert.Positive(t, c.Stats().Tolerated.Aborts)
	assert.Zero(t, c.Stats().Tolerated.ImplicitAborts)
}
