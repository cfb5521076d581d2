package server_test

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestPublishHookTakesTooLong checks that a client is refused if the hook does not return within ten seconds. The connection must stay
// open, and the result that the hook returns later must be ignored.
func TestPublishHookTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		unpublished := 0
		s := &server.Server{IdleTimeout: -1, Apps: map[string]*server.App{"*": {
			Publish:   func(ctx context.Context, r *server.Request) error { <-release; return nil },
			Unpublish: func(*server.Request, server.StreamStats) { unpublished++ },
		}}}
		p, done := piped(t, s)
		p.connect("live")
		id := p.CreateStream()
		asked := time.Now()
		p.command(id, "publish", 3, nil, "x", "live")
		assert.Equal(t, message.CodePublishDenied, p.status())
		assert.Equal(t, 10*time.Second, time.Since(asked))
		close(release)
		p.alive()
		synctest.Wait()
		assert.Equal(t, 1, unpublished, "once for each Publish that returned nil")
		assert.Empty(t, s.Stats().Streams)
		p.Conn.Close()
		<-done
		s.Close()
	})
}

// TestIdleTimeoutInTime checks that a silent client is pinged after half of IdleTimeout, and disconnected after all of it.
func TestIdleTimeoutInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server.Server{}
		p, done := piped(t, s)
		p.connect("live")
		silent := time.Now()
		for {
			m, err := p.Read()
			if err != nil {
				break
			}
			if u, err := message.ParseUserControl(m.Body); err == nil && m.Type == message.TypeUserControl && u.Event == message.EventPingRequest {
				assert.InDelta(t, 30, time.Since(silent).Seconds(), 15)
			}
		}
		assert.InDelta(t, 67, time.Since(silent).Seconds(), 8)
		assert.ErrorContains(t, <-done, "IdleTimeout")
		s.Close()
	})
}

// TestSetupTimeout checks that SetupTimeout begins when the connection is accepted and ends when connect arrives.
func TestSetupTimeout(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(t *testing.T, nc net.Conn)
		want  string // in the error
	}{
		"nothing":          {func(*testing.T, net.Conn) {}, "read C0"},
		"half a handshake": {func(_ *testing.T, nc net.Conn) { nc.Write(make([]byte, 500)) }, "read C1"},
		"no connect": {func(t *testing.T, nc net.Conn) {
			time.Sleep(7 * time.Second)
			peerOn(t, nc)
		}, "SetupTimeout"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server.Server{}
				defer s.Close()
				client, served := net.Pipe()
				defer client.Close()
				done := make(chan error, 1)
				begun := time.Now()
				go func() { done <- s.ServeConn(context.Background(), served) }()
				test.begin(t, client)
				assert.ErrorContains(t, <-done, test.want)
				assert.Equal(t, 10*time.Second, time.Since(begun))
				client.SetReadDeadline(time.Now().Add(time.Second))
				_, err := client.Read(make([]byte, 1))
				assert.Equal(t, io.EOF, err)
			})
		})
	}
}

// TestBufferOfNoStream checks that a buffer length for stream 0 does not replace that of a particular stream. librtmp sends the length for
// stream 0 after connect was accepted. A client that does not wait for answers may therefore send it last.
func TestBufferOfNoStream(t *testing.T) {
	files := vodFolder(t)
	files.AsFast = false
	for _, test := range []struct {
		of      func(id uint32) []uint32 // returns the streams for which the client sends SetBufferLength
		atOnce  bool
		buffers []uint32 // ms
	}{
		{func(id uint32) []uint32 { return []uint32{id, 0} }, true, []uint32{20_000, 100}},
		{func(id uint32) []uint32 { return []uint32{0, id} }, true, []uint32{100, 20_000}},
		{func(id uint32) []uint32 { return []uint32{id, 0} }, false, []uint32{100, 20_000}},
		{func(uint32) []uint32 { return []uint32{0} }, true, []uint32{20_000}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &server.Server{IdleTimeout: -1, Apps: map[string]*server.App{"*": {Files: files}}}
			p, done := piped(t, s)
			p.connect("vod")
			id := p.CreateStream()
			began := time.Now()
			p.command(id, "play", 3, nil, "film", 0.0)
			for i, stream := range test.of(id) {
				p.Control(message.TypeUserControl, message.AppendSetBufferLength(nil, stream, test.buffers[i]))
			}
			p.UntilCode(message.CodePlayStop)
			assert.Equal(t, test.atOnce, time.Since(began) == 0)
			p.Conn.Close()
			<-done
			s.Close()
		})
	}
}
