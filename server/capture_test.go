package server_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// captureFile is a capture in memory. Its Close method closes the channel
// closed.
type captureFile struct {
	bytes.Buffer
	closed chan struct{}
}

func (r *captureFile) Close() error {
	close(r.closed)
	return nil
}

// session waits for the end of the recording and returns the session.
func (r *captureFile) session(t *testing.T) *capture.Session {
	t.Helper()
	<-r.closed
	f, err := capture.NewFile(bytes.NewReader(r.Bytes()), int64(r.Len()))
	require.NoError(t, err)
	require.Len(t, f.Sessions(), 1)
	return f.Sessions()[0]
}

// capturedMedia returns the audio and video messages that one end has sent.
func capturedMedia(t *testing.T, s *capture.Session, from capture.Direction) (all [][]byte) {
	t.Helper()
	r := s.Reader()
	var m capture.Message
	var err error
	for err = r.Next(&m); err == nil; err = r.Next(&m) {
		if m.From == from && (m.Type == message.TypeAudio || m.Type == message.TypeVideo) {
			all = append(all, bytes.Clone(m.Body))
		}
	}
	require.Equal(t, io.EOF, err)
	return all
}

func TestCapture(t *testing.T) {
	var mu sync.Mutex
	recordings := make(map[string]*captureFile) // recordings by the client's address
	addr := start(t, &server.Server{Capture: func(c *server.Conn) io.WriteCloser {
		mu.Lock()
		defer mu.Unlock()
		r := &captureFile{closed: make(chan struct{})}
		recordings[c.RemoteAddr().String()] = r
		return r
	}})
	of := func(addr net.Addr) *captureFile {
		mu.Lock()
		defer mu.Unlock()
		return recordings[addr.String()]
	}
	publisher, out := publish(t, "rtmp://"+addr+"/live/a-key-that-is-secret?token=hidden-token")
	player, in := play(t, "rtmp://"+addr+"/live/a-key-that-is-secret")
	var want [][]byte
	for _, tag := range media(sample(t)) {
		want = append(want, tag.Body)
	}
	write(t, out, media(sample(t)))
	var p message.Packet
	for n := 0; n < len(want); {
		require.NoError(t, in.ReadPacket(&p))
		if p.Type != message.TypeDataAMF0 {
			n++
		}
	}
	require.NoError(t, publisher.Close())
	require.NoError(t, player.Close())

	published := of(publisher.LocalAddr()).session(t)
	assert.Equal(t, want, capturedMedia(t, published, capture.FromClient))
	assert.Equal(t, capture.RoleServer, published.Info().Role)
	assert.Equal(t, publisher.LocalAddr().String(), published.Info().Client)
	assert.Equal(t, addr, published.Info().Server)
	assert.Equal(t, want, capturedMedia(t, of(player.LocalAddr()).session(t), capture.FromServer))
	r := of(publisher.LocalAddr())
	assert.NotContains(t, r.String(), "hidden-token")

	nothing := start(t, &server.Server{Capture: func(*server.Conn) io.WriteCloser { return nil }})
	c, _ := publish(t, "rtmp://"+nothing+"/live/x")
	require.NoError(t, c.Close())
}
