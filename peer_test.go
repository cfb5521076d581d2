package rtmp

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/message"
)

func TestMain(m *testing.M) {
	if os.Getenv(senderEnv) != "" {
		runSender()
		return
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for something that should happen at once.
const patience = 20 * time.Second

// peer is a scripted server with helpers for the tests of this package.
type peer struct{ *peertest.Peer }

// newPeer runs script as the server of one connection and returns the URL. The script ends before the test does.
func newPeer(t *testing.T, script func(p *peer)) string {
	t.Helper()
	url, _ := newPeers(t, script)
	return url
}

// newPeers is like newPeer, for several connections. The n-th script serves the n-th connection; further connections are closed at once.
// accepted counts all connections.
func newPeers(t *testing.T, scripts ...func(p *peer)) (url string, accepted *atomic.Int32) {
	t.Helper()
	return peertest.Listen(t, onPeers(scripts)...)
}

func onPeers(scripts []func(p *peer)) (all []func(*peertest.Peer)) {
	for _, script := range scripts {
		all = append(all, func(p *peertest.Peer) { script(&peer{p}) })
	}
	return all
}

func dialed(t *testing.T, url string, o *Options) *Conn {
	t.Helper()
	c, err := Dial(conntest.Context(t), url, o)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// playing returns a connected Conn and a stream that it plays.
func playing(t *testing.T, url string, o *Options) (*Conn, *Stream) {
	t.Helper()
	c := dialed(t, url, o)
	s, err := c.CreateStream(conntest.Context(t), nil)
	require.NoError(t, err)
	return c, s
}

// newRawServer starts a server and returns its address. The server sends answer on every connection, and reads until the client closes it.
func newRawServer(t *testing.T, answer string) string {
	t.Helper()
	return conntest.Serve(t, func(nc net.Conn) {
		nc.Write([]byte(answer))
		io.Copy(io.Discard, nc)
	})
}

// sent is the media that the scripted servers below send.
var sent = []flv.Tag{
	{Type: flv.TagVideo, Timestamp: 0, Body: bytes.Repeat([]byte{0x17}, 40)},
	{Type: flv.TagAudio, Timestamp: 0, Body: bytes.Repeat([]byte{0xAF}, 7)},
	{Type: flv.TagVideo, Timestamp: 40, Body: bytes.Repeat([]byte{0x27}, 1000)},
	{Type: flv.TagAudio, Timestamp: 46, Body: []byte{1}},
	{Type: flv.TagVideo, Timestamp: 80, Body: bytes.Repeat([]byte{0x27}, 70_000)},
}

func (p *peer) sendMedia() {
	for _, tag := range sent {
		p.Media(message.Type(tag.Type), tag.Timestamp, tag.Body)
	}
}

// playsSent reads s to its end, and checks that it yields the media that sendMedia sends. It returns the error of io.Copy.
func playsSent(t *testing.T, s *Stream) error {
	t.Helper()
	var file bytes.Buffer
	_, err := io.Copy(&file, s)
	assert.Equal(t, sent, rtmptest.Tags(t, file.Bytes()))
	return err
}

// publishing returns a connected Conn and a stream that it publishes.
func publishing(t *testing.T, url string, o *Options) (*Conn, *Stream) {
	t.Helper()
	c := dialed(t, url, o)
	s, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
	require.NoError(t, err)
	return c, s
}

// accepting starts a server and returns its URL. script is what the server does after it has accepted a publisher.
func accepting(t *testing.T, script func(p *peer)) string {
	return newPeer(t, func(p *peer) {
		p.AcceptPublisher()
		script(p)
	})
}
