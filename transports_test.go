package rtmp

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// overEveryTransport runs test with each URL scheme and options that trust the test server.
func overEveryTransport(t *testing.T, test func(t *testing.T, scheme string, o *Options)) {
	for _, scheme := range []string{"rtmp", "rtmps", "rtmpe", "rtmpt", "rtmpts", "rtmpte"} {
		t.Run(scheme, func(t *testing.T) { test(t, scheme, &Options{TLSConfig: testserver.ClientTLS()}) })
	}
}

func TestPlayOverEveryTransport(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		s := rtmptest.Server(t, testserver.Config{Scheme: scheme})
		file, err := download(conntest.Context(t), s.URL("vod", "sample"), o, nil)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(testserver.Sample, file), "%d bytes, %d are right", len(file), len(testserver.Sample))
	})
}

func TestPublishOverEveryTransport(t *testing.T) {
	want := rtmptest.SampleTags(t)
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		s, recorded := rtmptest.Recorder(t, testserver.Config{Scheme: scheme})
		c, stream := publishing(t, s.URL("live", "out"), o)
		_, err := stream.ReadFrom(bytes.NewReader(testserver.Sample))
		require.NoError(t, err)
		require.NoError(t, c.Close())
		rtmptest.EqualTags(t, want, rtmptest.Tags(t, recorded("out")))
	})
}

func TestCallsOverEveryTransport(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		answer := make(chan any, 1)
		s := rtmptest.Server(t, testserver.Config{Scheme: scheme,
			Handlers: map[string]func(*testserver.Session, message.Command) (any, error){
				"back": func(s *testserver.Session, cmd message.Command) (any, error) {
					reply, err := s.Call("double", cmd.Args[0])
					if err != nil {
						return nil, err
					}
					go func() { answer <- (<-reply).Args[0] }()
					return "asked", nil
				}}})
		c := dialed(t, s.URL("vod", "sample"), o)
		c.InvokeHandler("double", Func(func(x float64) float64 { return 2 * x }))
		ctx, cancel := context.WithCancel(conntest.Context(t))
		v, err := c.RemoteMethod("back")(ctx, 21)
		require.NoError(t, err)
		assert.Equal(t, "asked", v)
		processed := make(chan error)
		go func() { processed <- c.ProcessPackets(ctx) }()
		assert.Equal(t, 42.0, <-answer)
		cancel()
		assert.ErrorIs(t, <-processed, context.Canceled)
		_, err = c.RemoteMethod("nobody")(conntest.Context(t))
		var status *StatusError
		assert.ErrorAs(t, err, &status, "a cancelled wait leaves the connection as it was")
	})
}

// TestProofsOverEveryTransport checks that a publisher's password, a token and SWF verification work over every transport.
func TestProofsOverEveryTransport(t *testing.T) {
	player := testserver.Player{Hash: bytes.Repeat([]byte{7}, 32), Size: 1234}
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		server := rtmptest.Server(t, testserver.Config{Scheme: scheme, Player: &player, Token: "a key",
			Auth: &auth.Server{Scheme: auth.Adobe, Users: map[string]string{"me": "word"}}})
		url := server.URL("vod", "sample")
		for name, lacks := range map[string]func(o *Options){
			"nothing": func(*Options) {},
			"token":   func(o *Options) { o.Token = "other" },
			"player":  func(o *Options) { o.SWFHash = bytes.Repeat([]byte{8}, 32) },
			"any":     func(o *Options) { o.SWFHash = nil },
		} {
			proves := *o
			proves.Token, proves.SWFHash, proves.SWFSize = "a key", player.Hash, player.Size
			lacks(&proves)
			file, err := download(conntest.Context(t), url, &proves, nil)
			if name == "nothing" {
				require.NoError(t, err)
				assert.True(t, bytes.Equal(testserver.Sample, file))
			} else {
				assert.Error(t, err, name)
			}
		}
		o.PublishUser, o.PublishPassword = "me", "word"
		publishing(t, server.URL("live", "out"), o)
		o.PublishPassword = "guess"
		_, err := Dial(conntest.Context(t), url, o)
		var refused *StatusError
		assert.ErrorAs(t, err, &refused)
	})
}

// TestSWFVerification checks players from HTTP, a file and the cache, and that a malformed request is not answered.
func TestSWFVerification(t *testing.T) {
	t.Setenv("HOME", t.TempDir()) // for the cache
	swf := append([]byte("FWS\x09"), 0x10, 0, 0, 0, 'p', 'l', 'a', 'y', 'e', 'r', '-', '-')
	asked := 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Write(swf)
	}))
	defer web.Close()
	file := filepath.Join(t.TempDir(), "player.swf")
	require.NoError(t, os.WriteFile(file, swf, 0o600))
	mac := hmac.New(sha256.New, []byte("Genuine Adobe Flash Player 001"))
	mac.Write(swf)
	server := rtmptest.Server(t, testserver.Config{Player: &testserver.Player{Hash: mac.Sum(nil), Size: uint32(len(swf))}})
	for _, from := range []string{web.URL + "/player.swf", web.URL + "/player.swf", "file://" + filepath.ToSlash(file)} {
		got, err := download(conntest.Context(t), server.URL("vod", "sample")+" swfVfy=1 swfUrl="+from, nil, nil)
		require.NoError(t, err, from)
		assert.True(t, bytes.Equal(testserver.Sample, got))
	}
	assert.Equal(t, 1, asked, "then it was in the cache")
	_, err := Dial(conntest.Context(t), server.URL("vod", "sample"), &Options{SWFVerify: true, SWFURL: web.URL + "/other.swf?secret",
		Proxy: "socks5://user:secret@127.0.0.1:1"})
	var failed *HandshakeError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "swf", failed.Stage)
	assert.NotContains(t, err.Error(), "secret")
}

// TestHangingUpIsExplained checks that the error of connecting to another kind of server says what may be wrong.
func TestHangingUpIsExplained(t *testing.T) {
	for scheme, want := range map[string]string{ // a FIN or a reset, depending on timing
		"rtmps":  `^rtmp: tls: .*: the server may not speak TLS on this port$`,
		"rtmpt":  `^rtmp: tunnel: open: .*: the server may not speak HTTP on this port$`,
		"rtmpe":  `^rtmp: rtmpe: .*: the server may not offer RTMPE: try rtmp or rtmps$`,
		"rtmpte": `^rtmp: tunnel: open: .*: the server may not speak HTTP on this port$`,
	} {
		server := rtmptest.Server(t, testserver.Config{})
		_, err := Dial(conntest.Context(t), scheme+"://"+server.Addr()+"/vod/sample", nil)
		require.Error(t, err)
		assert.Regexp(t, want, err.Error())
		assert.NotErrorIs(t, err, net.ErrClosed)
	}
	_, err := Dial(conntest.Context(t), "rtmp://127.0.0.1/a/p", &Options{Proxy: "socks4://" + newRawServer(t, ""), Timeout: 500 * time.Millisecond})
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.Regexp(t, `^rtmp: proxy: no answer from socks4 127\.0\.0\.1:\d+: timed out$`, err.Error())
}

// TestInterruptedReadsOverEveryTransport checks that cancelling reads in the middle of a stream, again and again, loses no byte.
func TestInterruptedReadsOverEveryTransport(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		s := rtmptest.Server(t, testserver.Config{Scheme: scheme, SessionFault: func(int) testserver.Fault {
			return testserver.Fault{Action: testserver.Dribble, At: int64(len(testserver.Sample)) - 60_000}
		}})
		_, stream := playing(t, s.URL("vod", "sample"), o)
		var file bytes.Buffer
		buf := make([]byte, 3000)
		for err := error(nil); !errors.Is(err, io.EOF); {
			if err != nil {
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			}
			require.NoError(t, stream.SetReadDeadline(time.Now().Add(100*time.Microsecond)))
			var n int
			n, err = stream.Read(buf)
			file.Write(buf[:n])
		}
		assert.True(t, bytes.Equal(testserver.Sample, file.Bytes()))
	})
}

func TestConnectIsCancelledOverEveryTransport(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		address := newRawServer(t, "")
		ctx, cancel := context.WithCancel(conntest.Context(t))
		dial := &net.Dialer{}
		o.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			defer time.AfterFunc(10*time.Millisecond, cancel)
			return dial.DialContext(ctx, network, addr)
		}
		_, err := Dial(ctx, scheme+"://"+address+"/a/p", o)
		var failed *HandshakeError
		require.ErrorAs(t, err, &failed)
		assert.ErrorIs(t, err, context.Canceled)
	})
}

func TestSilentServerOverEveryTransport(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		o.Timeout = 50 * time.Millisecond
		_, err := Dial(conntest.Context(t), scheme+"://"+newRawServer(t, "")+"/a/p", o)
		var failed *HandshakeError
		require.ErrorAs(t, err, &failed)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.True(t, failed.Timeout())
	})
}

// messageBoundaries returns the ends of the messages that a server sends to a player of the recording, as offsets from the start of the
// handshake.
func messageBoundaries(t *testing.T, recording []byte) (all []int64) {
	s := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"sample": recording}})
	var received bytes.Buffer
	_, err := download(conntest.Context(t), s.URL("vod", "sample"), &Options{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &recordedConn{Conn: nc, read: &received}, err
		}}, nil)
	require.NoError(t, err)
	const handshakeSize = 3073
	rest := bytes.NewReader(received.Bytes()[handshakeSize:])
	r := chunk.NewReader(iotest.OneByteReader(rest), 0) // reads no byte ahead
	for {
		all = append(all, int64(received.Len()-rest.Len()))
		var m chunk.Message
		if r.Next(&m) != nil {
			return all
		}
	}
}

type recordedConn struct {
	net.Conn
	read *bytes.Buffer
}

func (c *recordedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read.Write(b[:n])
	return n, err
}

// TestServerDiesOverEveryTransport cuts the connection once per session: in the RTMP stream, after each message (with the race detector,
// after every fourth) or at a random byte, or below TLS and HTTP. With RTMP_LONG=1 it cuts at each byte, both in the RTMP stream and below.
func TestServerDiesOverEveryTransport(t *testing.T) {
	size := 20_000
	if os.Getenv("RTMP_LONG") != "" {
		size = 3_000
	}
	recording := shortSample(t, size)
	boundaries := messageBoundaries(t, recording)
	end := boundaries[len(boundaries)-1]
	require.Greater(t, len(boundaries), 10)
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		var above, below []int64
		random := rand.New(rand.NewPCG(1, 2))
		for range 12 {
			above = append(above, random.Int64N(end))
			below = append(below, random.Int64N(end))
		}
		for i, at := range boundaries {
			if !rtmptest.Race || i%4 == 0 {
				above = append(above, at)
			}
		}
		if os.Getenv("RTMP_LONG") != "" {
			above, below = nil, nil
			for at := range end {
				above, below = append(above, at), append(below, at)
			}
		}
		for _, action := range []testserver.Action{testserver.Cut, testserver.Reset} {
			f := func(at int64) func(int) testserver.Fault {
				return func(int) testserver.Fault { return testserver.Fault{Action: action, At: at} }
			}
			check := func(at int64, file []byte, err error) {
				assert.True(t, err == nil || isDocumented(err), "byte %d: %v", at, err)
				assert.NotErrorIs(t, err, context.DeadlineExceeded, "byte %d: it hangs", at)
				isPrefix(t, file)
			}
			playWithFaults(t, o, above, check, func(at int64) testserver.Config {
				return testserver.Config{Scheme: scheme, Files: map[string][]byte{"sample": recording}, SessionFault: f(at)}
			})
			playWithFaults(t, o, below, check, func(at int64) testserver.Config {
				return testserver.Config{Scheme: scheme, Files: map[string][]byte{"sample": recording}, Fault: f(at)}
			})
		}
	})
}

var sixSchemes = []string{"rtmp", "rtmps", "rtmpe", "rtmpt", "rtmpts", "rtmpte"}
