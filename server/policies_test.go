package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// inTime runs a test in a synctest bubble, with a publisher of live/x on a server with an App.
func inTime(t *testing.T, a *server.App, test func(t *testing.T, s *server.Server, p *peer, id uint32)) {
	synctest.Test(t, func(t *testing.T) {
		s := &server.Server{IdleTimeout: -1, Apps: map[string]*server.App{"*": a}}
		p, done := piped(t, s)
		p.connect("live")
		id := p.CreateStream()
		p.command(id, "publish", 3, nil, "x", "live")
		p.UntilCode(message.CodePublishStart)
		test(t, s, p, id)
		p.Conn.Close()
		<-done
		s.Close()
	})
}

func TestPublishIdle(t *testing.T) {
	inTime(t, &server.App{}, func(t *testing.T, _ *server.Server, p *peer, id uint32) {
		time.Sleep(20 * time.Second)
		p.media(message.TypeAudio, id, 0, []byte{0xaf, 1, 1})
		silent := time.Now()
		assert.Equal(t, "NetStream.Publish.Idle", p.status())
		assert.Equal(t, 30*time.Second, time.Since(silent))
		p.UntilGone()
	})
}

func TestPublishIdleNever(t *testing.T) {
	inTime(t, &server.App{Live: server.Live{PublishIdle: -1}}, func(t *testing.T, s *server.Server, p *peer, id uint32) {
		time.Sleep(24 * time.Hour)
		p.alive()
		assert.Equal(t, 1, s.Stats().Publishers)
	})
}

// TestMaxBitrate checks that media may exceed the bit rate in a short burst, but not on average over ten seconds.
func TestMaxBitrate(t *testing.T) {
	const second = 100_000 / 8
	inTime(t, &server.App{Live: server.Live{MaxBitrate: 100_000, PublishIdle: -1}}, func(t *testing.T, s *server.Server, p *peer, id uint32) {
		p.media(message.TypeAudio, id, 0, append([]byte{0xaf, 1}, make([]byte, 8*second)...))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, 1, s.Stats().Publishers, "a burst")
		for i := range uint32(2) {
			p.media(message.TypeAudio, id, i, append([]byte{0xaf, 1}, make([]byte, 8*second)...))
		}
		assert.Equal(t, message.CodePublishDenied, p.status())
		p.UntilGone()
	})
}

// TestMerge checks that gathered media arrives unchanged.
func TestMerge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const merge = 350 * time.Millisecond
		s := &server.Server{IdleTimeout: -1, Apps: map[string]*server.App{"*": {Live: server.Live{Merge: merge, PublishIdle: -1}}}}
		p, done := piped(t, s)
		p.connect("live")
		p.command(p.CreateStream(), "play", 3, nil, "x", -1000.0)
		p.UntilCode(message.CodePlayStart)
		pub, err := s.Publish(context.Background(), "live/x")
		require.NoError(t, err)
		go func() { // after the first message, which players get at once, one message every 40 ms
			for i := range uint32(50) {
				pub.WritePacket(&message.Packet{Type: message.TypeAudio, Timestamp: 40 * i, Body: []byte{0xaf, 1, byte(i)}})
				time.Sleep(40 * time.Millisecond)
			}
			pub.Close()
		}()
		var arrived []time.Time // the different times at which messages arrived
		for i := byte(0); i < 50; {
			m, err := p.Read()
			require.NoError(t, err)
			if m.Type != message.TypeAudio {
				continue
			}
			require.Equal(t, []byte{0xaf, 1, i}, m.Body)
			i++
			if now := time.Now(); len(arrived) == 0 || !now.Equal(arrived[len(arrived)-1]) {
				arrived = append(arrived, now)
			}
		}
		assert.Less(t, len(arrived), 10, "in 2 s")
		for i := 2; i < len(arrived)-1; i++ {
			assert.GreaterOrEqual(t, arrived[i].Sub(arrived[i-1]), merge)
		}
		p.Conn.Close()
		<-done
		s.Close()
	})
}

// TestReceiveAudioAndVideo checks that receiveAudio and receiveVideo turn audio and video off and on again. When they are turned on, the
// necessary headers must be sent.
func TestReceiveAudioAndVideo(t *testing.T) {
	s := &server.Server{}
	addr := start(t, s)
	pub, err := s.Publish(background(t), "live/x")
	require.NoError(t, err)
	defer pub.Close()
	p := newPeer(t, addr)
	p.connect("live")
	id := p.CreateStream()
	p.command(id, "play", 3, nil, "x", -1000.0)
	p.UntilCode(message.CodePlayStart)
	at := uint32(0)
	send := func(k message.Type, body ...byte) {
		require.NoError(t, pub.WritePacket(&message.Packet{Type: k, Timestamp: at, Body: body}))
		at += 10
	}
	send(message.TypeVideo, 0x17, 0, 0, 0, 0, 1)
	send(message.TypeAudio, 0xaf, 0, 0x12, 0x10)
	// arrives publishes a key frame, an audio message and then data. It returns the types of the messages that arrive before the data.
	arrives := func() (kinds []message.Type) {
		send(message.TypeVideo, 0x17, 1, 0, 0, 0, 7)
		send(message.TypeAudio, 0xaf, 1, 7)
		require.NoError(t, pub.WriteData("end"))
		for {
			m, err := p.Read()
			require.NoError(t, err)
			switch k := m.Type; k {
			case message.TypeVideo, message.TypeAudio:
				if !flv.IsHeader(flv.Tag{Type: flv.TagType(k), Body: m.Body}) {
					kinds = append(kinds, k)
				}
			case message.TypeDataAMF0:
				if name, _, _ := flv.ParseScript(m.Body); name == "end" {
					return kinds
				}
			}
		}
	}
	assert.Equal(t, []message.Type{message.TypeVideo, message.TypeAudio}, arrives())
	p.command(id, "receiveAudio", 0, nil, false)
	p.alive()
	assert.Equal(t, []message.Type{message.TypeVideo}, arrives())
	p.command(id, "receiveVideo", 0, nil, false)
	p.alive()
	assert.Empty(t, arrives())
	p.command(id, "receiveAudio", 0, nil, true)
	p.UntilCode(message.CodePlayStart)
	assert.Equal(t, []message.Type{message.TypeAudio}, arrives())
	p.command(id, "receiveVideo", 0, nil, true)
	p.UntilCode(message.CodePlayStart)
	assert.Equal(t, []message.Type{message.TypeVideo, message.TypeAudio}, arrives())
}

// TestRecordingRotates checks that a recording that has become too long or too large is closed. The next one must begin at a key frame, and
// no message between them may be lost.
func TestRecordingRotates(t *testing.T) {
	for name, limit := range map[string]server.Files{"size": {MaxSize: 150_000}, "duration": {MaxDuration: 3 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			limit.Record = server.RecordAll
			n := 0
			limit.Name = func(*server.Request, time.Time) string {
				n++
				return filepath.Join("parts", string(rune('a'+n))+".flv")
			}
			f, done := recording(t, &limit)
			c, out := publish(t, "rtmp://"+app(t, &server.App{Files: f})+"/live/x")
			all := media(sample(t))
			write(t, out, all)
			require.NoError(t, out.Close())
			require.NoError(t, c.Close())
			var bodies [][]byte
			parts := 0
			for len(bodies) < len(all) {
				d := waitFor(t, "Done", done)
				require.NoError(t, d.err)
				file, err := os.ReadFile(d.file)
				require.NoError(t, err)
				for _, tag := range media(tags(t, file)) {
					if parts == 0 || !flv.IsHeader(tag) {
						bodies = append(bodies, tag.Body)
					}
				}
				parts++
			}
			assert.Greater(t, parts, 1)
			require.Len(t, bodies, len(all))
			for i, tag := range all {
				require.Equal(t, tag.Body, bodies[i])
			}
		})
	}
}

// TestEncryptionInsideTLS checks that RTMPE is refused inside TLS, where it is of no use.
func TestEncryptionInsideTLS(t *testing.T) {
	s := &server.Server{Encryption: handshake.EncryptionPlain, TLSConfig: testserver.ServerTLS()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.ServeTLS(l, "", "") }()
	t.Cleanup(func() { s.Close(); <-served })
	_, err = rtmp.Dial(background(t), "rtmpe://"+l.Addr().String()+"/live/x", &rtmp.Options{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return (&tls.Dialer{Config: testserver.ClientTLS()}).DialContext(ctx, network, addr)
		}})
	var refused *rtmp.HandshakeError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, rtmp.StageRTMPE, refused.Stage, "TLS was there")
	dial(t, "rtmps://"+l.Addr().String()+"/live/x", &rtmp.Options{TLSConfig: testserver.ClientTLS()})
}

// TestTakeoverIsNoSuccess checks that a publisher learns that another one has taken over, and is not told that its own publication has ended
// successfully, even if it ends the publication at that moment.
func TestTakeoverIsNoSuccess(t *testing.T) {
	for i := range 50 {
		inTime(t, &server.App{Live: server.Live{Takeover: server.TakeAlways}}, func(t *testing.T, s *server.Server, p *peer, id uint32) {
			pub, err := s.Publish(context.Background(), "live/x")
			require.NoError(t, err)
			defer pub.Close()
			written := make(chan struct{})
			go func() {
				defer close(written)
				if i%2 == 1 { // the server may already have closed the connection
					peertest.New(p.Conn).Send(peertest.Command(0, "FCUnpublish", 0, nil, "x"),
						peertest.Command(0, "deleteStream", 0, nil, float64(id)))
				}
			}()
			p.UntilGone()
			p.Conn.Close()
			<-written
			var codes []string
			for _, m := range p.Skipped {
				if m.StreamID == id && m.Code != "" {
					codes = append(codes, m.Code)
				}
			}
			require.Equal(t, []string{message.CodePublishBadName}, codes)
		})
	}
}

// TestTakeoverBeforeTheLastMedia checks that a publisher whose last media arrives after another publisher has taken over learns that,
// although it closes the connection at once.
func TestTakeoverBeforeTheLastMedia(t *testing.T) {
	s := new(server.Server)
	takeOver := func(r *server.Request, _ *message.Packet) bool {
		pub, err := s.Publish(context.Background(), r.Path)
		if assert.NoError(t, err) {
			t.Cleanup(func() { pub.Close() })
		}
		return true
	}
	s.Apps = map[string]*server.App{"*": {Live: server.Live{Takeover: server.TakeAlways}, Media: takeOver}}
	addr := start(t, s)
	for i := range 100 {
		p := newPeer(t, addr)
		p.connect("live")
		id := p.CreateStream()
		p.command(id, "publish", 3, nil, strconv.Itoa(i), "live")
		p.UntilCode(message.CodePublishStart)
		p.media(message.TypeAudio, id, 0, []byte{0xaf, 1, 0})
		require.NoError(t, p.Conn.(*net.TCPConn).CloseWrite())
		require.Equal(t, message.CodePublishBadName, p.status(), i)
		p.Conn.Close()
	}
}

// TestPublisherIsReset checks that a connection that the server ends without a word, while a client publishes, ends with a reset: after a FIN
// the client would believe that its last media has been published.
func TestPublisherIsReset(t *testing.T) {
	end := func(r *server.Request, _ *message.Packet) bool {
		r.Conn.Close()
		return true
	}
	for _, transport := range []string{"rtmp", "rtmps", "a listener of rtmps"} {
		s := &server.Server{TLSConfig: testserver.ServerTLS(), Apps: map[string]*server.App{"conn": {Media: end}, "server": {}}}
		l, served := conntest.Listen(t), make(chan error, 1)
		t.Cleanup(func() { s.Close(); <-served })
		go func() {
			switch transport {
			case "rtmp":
				served <- s.Serve(l)
			case "rtmps":
				served <- s.ServeTLS(l, "", "")
			default:
				served <- s.Serve(tls.NewListener(l, s.TLSConfig))
			}
		}()
		for _, name := range []string{"conn", "server"} {
			var nc net.Conn
			var err error
			if transport == "rtmp" {
				nc, err = net.Dial("tcp", l.Addr().String())
			} else {
				nc, err = tls.Dial("tcp", l.Addr().String(), testserver.ClientTLS())
			}
			require.NoError(t, err)
			p := peerOn(t, nc)
			p.connect(name)
			id := p.CreateStream()
			p.command(id, "publish", 3, nil, "x", "live")
			p.UntilCode(message.CodePublishStart)
			if name == "server" {
				require.NoError(t, s.Close())
			} else {
				p.media(message.TypeAudio, id, 0, []byte{0xaf, 1, 0})
			}
			_, err = io.Copy(io.Discard, p.Conn)
			assert.Error(t, err, "%s, %s", transport, name)
		}
	}
}

// TestPublisherIsResetThroughATunnel is like TestPublisherIsReset, for RTMPT, which has no reset: the client learns from the answer to its next
// request that its last media has not been published.
func TestPublisherIsResetThroughATunnel(t *testing.T) {
	for _, name := range []string{"conn", "server"} {
		s := new(server.Server)
		ended := make(chan struct{})
		s.Apps = map[string]*server.App{"*": {Media: func(r *server.Request, p *message.Packet) bool {
			switch {
			case p.Type != message.TypeAudio:
			case name == "conn":
				r.Conn.Close()
			default:
				go func() {
					defer close(ended)
					s.Close()
				}()
				<-r.Conn.Context().Done()
			}
			return true
		}}}
		defer s.Close()
		web := httptest.NewServer(s.TunnelHandler())
		defer web.Close()
		c := dial(t, "rtmpt://"+web.Listener.Addr().String()+"/live/x", &rtmp.Options{Publish: true})
		stream, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true})
		require.NoError(t, err)
		require.NoError(t, stream.WritePacket(&message.Packet{Type: message.TypeAudio, Body: []byte{0xaf, 1, 0}}))
		assert.Error(t, c.Close(), name)
		if name == "server" {
			waitFor(t, "the end of the server", ended)
		}
	}
}

// TestPublisherThatIsRejected checks that a publisher learns that it was rejected, or gets a reset, even if the connection ends at that moment.
func TestPublisherThatIsRejected(t *testing.T) {
	s := &server.Server{Apps: map[string]*server.App{"*": {Media: func(r *server.Request, _ *message.Packet) bool {
		r.Conn.Reject(server.Deny("no more"))
		r.Conn.Close()
		return true
	}}}}
	addr := start(t, s)
	for range 100 {
		p := newPeer(t, addr)
		p.connect("live")
		id := p.CreateStream()
		p.command(id, "publish", 3, nil, "x", "live")
		p.UntilCode(message.CodePublishStart)
		p.media(message.TypeAudio, id, 0, []byte{0xaf, 1, 0})
		rest, err := io.ReadAll(p.Conn)
		assert.True(t, err != nil || bytes.Contains(rest, []byte(message.CodeConnectRejected)))
		p.Conn.Close()
	}
}
