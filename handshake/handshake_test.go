package handshake

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

func testRand(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// script is a peer whose output is fixed. It keeps what is sent to it.
type script struct {
	io.Reader
	sent   bytes.Buffer
	writes int
}

func (s *script) Write(p []byte) (int, error) {
	s.writes++
	return s.sent.Write(p)
}

func scripted(b []byte) *script { return &script{Reader: bytes.NewReader(b)} }

func (s *script) rest(t *testing.T) []byte {
	b, err := io.ReadAll(s.Reader)
	require.NoError(t, err)
	return b
}

type dribble struct{ net.Conn }

func (d dribble) Read(p []byte) (int, error) { return iotest.OneByteReader(d.Conn).Read(p) }

// run performs both halves concurrently, and checks that the bytes after the handshake arrive.
func run(t *testing.T, cc, sc net.Conn, clientCfg, serverCfg Config) (client, server *Result) {
	t.Helper()
	type outcome struct {
		res  *Result
		rest []byte
		err  error
	}
	half := func(c net.Conn, f func(io.ReadWriter, Config) (*Result, error), cfg Config, greeting string) (o outcome) {
		if o.res, o.err = f(c, cfg); o.err != nil {
			return o
		}
		r, w := io.Reader(c), io.Writer(c)
		if o.res.Encryption != EncryptionNone {
			r, w = cipher.StreamReader{S: o.res.In, R: c}, cipher.StreamWriter{S: o.res.Out, W: c}
		}
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(w, greeting)
			sent <- err
		}()
		o.rest = make([]byte, 5)
		_, o.err = io.ReadFull(r, o.rest)
		o.err = errors.Join(o.err, <-sent)
		return o
	}
	deadline := time.Now().Add(10 * time.Second)
	require.NoError(t, errors.Join(cc.SetDeadline(deadline), sc.SetDeadline(deadline)))
	done := make(chan outcome)
	go func() { done <- half(sc, Server, serverCfg, "after") }()
	c := half(cc, Client, clientCfg, "chunk")
	s := <-done
	require.NoError(t, c.err)
	require.NoError(t, s.err)
	assert.Equal(t, "after", string(c.rest))
	assert.Equal(t, "chunk", string(s.rest))
	return c.res, s.res
}

func TestClientServer(t *testing.T) {
	const a, b = SchemeDigestFirst, SchemeKeyFirst
	tests := []struct {
		name                       string
		client, server             Config
		digest                     bool
		clientScheme, serverScheme Scheme // schemes of C1 and S1, as the peer detects them
		clientVersion              [4]byte
		serverVersion              [4]byte
	}{
		{name: "plain"},
		{name: "plain, versions", client: Config{Version: [4]byte{9, 0, 124, 2}}, server: Config{Version: [4]byte{13, 14, 10, 13}},
			clientVersion: [4]byte{9, 0, 124, 2}, serverVersion: [4]byte{13, 14, 10, 13}},
		{name: "digest", client: Config{Digest: true},
			digest: true, clientScheme: a, serverScheme: a, clientVersion: defaultPlayerVersion, serverVersion: defaultServerVersion},
		{name: "digest, key first", client: Config{Digest: true, Scheme: b},
			digest: true, clientScheme: b, serverScheme: b, clientVersion: defaultPlayerVersion, serverVersion: defaultServerVersion},
		{name: "client A, server B", client: Config{Digest: true, Scheme: a}, server: Config{Scheme: b},
			digest: true, clientScheme: a, serverScheme: b, clientVersion: defaultPlayerVersion, serverVersion: defaultServerVersion},
		{name: "client B, server A", client: Config{Digest: true, Scheme: b}, server: Config{Scheme: a},
			digest: true, clientScheme: b, serverScheme: a, clientVersion: defaultPlayerVersion, serverVersion: defaultServerVersion},
		{name: "digest, answered plainly", client: Config{Digest: true}, server: Config{PlainOnly: true},
			clientVersion: defaultPlayerVersion},
		{name: "digest, versions", client: Config{Digest: true, Version: [4]byte{1}}, server: Config{Version: [4]byte{0, 0, 0, 2}},
			digest: true, clientScheme: a, serverScheme: a, clientVersion: [4]byte{1}, serverVersion: [4]byte{0, 0, 0, 2}},
	}
	conns := map[string]func(t *testing.T) (client, server net.Conn){
		"pipe": func(t *testing.T) (net.Conn, net.Conn) {
			c, s := net.Pipe()
			t.Cleanup(func() { c.Close(); s.Close() })
			return c, s
		},
		"dribble": func(t *testing.T) (net.Conn, net.Conn) {
			c, s := conntest.Pair(t)
			return dribble{c}, dribble{s}
		},
	}
	for _, tt := range tests {
		for name, pair := range conns {
			t.Run(tt.name+", "+name, func(t *testing.T) {
				cc, sc := pair(t)
				tt.client.Rand, tt.server.Rand = testRand(1), testRand(2)
				c, s := run(t, cc, sc, tt.client, tt.server)

				assert.Equal(t, tt.digest, c.Digest)
				assert.Equal(t, tt.digest, s.Digest)
				assert.Equal(t, tt.serverScheme, c.Scheme)
				assert.Equal(t, tt.clientScheme, s.Scheme)
				assert.Equal(t, tt.serverVersion, c.PeerVersion)
				assert.Equal(t, tt.clientVersion, s.PeerVersion)
				assert.True(t, c.ReplyValid, "S2")
				assert.True(t, s.ReplyValid, "C2")
				assert.EqualValues(t, 3, c.PeerType)
				assert.EqualValues(t, 3, s.PeerType)
				assert.Equal(t, c.S1Tail, s.S1Tail)
				assert.NotEqual(t, [32]byte{}, c.S1Tail)
			})
		}
	}
}

// serverScript returns S0, S1, S2 and the beginning of the chunk stream: a server whose answer does not depend on the client.
func serverScript(s0 byte, s1, s2 *packet) []byte {
	return append(bytes.Join([][]byte{{s0}, s1[:], s2[:]}, nil), "chunks"...)
}

func TestClientPackets(t *testing.T) {
	s1 := pattern(5, 1, [8]byte{0, 0, 0, 1})
	t.Run("plain", func(t *testing.T) {
		peer := scripted(serverScript(3, s1, new(packet)))
		res, err := Client(peer, Config{Time: 0x01020304, Rand: testRand(1)})
		require.NoError(t, err)
		assert.False(t, res.ReplyValid, "S2 is not an echo")
		assert.Equal(t, s1[packetSize-32:], res.S1Tail[:])
		assert.Equal(t, "chunks", string(peer.rest(t)))

		sent := peer.sent.Bytes()
		require.Len(t, sent, 1+2*packetSize)
		assert.Equal(t, 2, peer.writes, "C0 and C1 are sent in one write")
		assert.Equal(t, []byte{3, 1, 2, 3, 4, 0, 0, 0, 0}, sent[:9])
		assert.NotEqual(t, make([]byte, packetSize-8), sent[9:1+packetSize], "random bytes")
		assert.Equal(t, s1[:], sent[1+packetSize:], "C2 echoes S1")
	})
	t.Run("echo with a clock", func(t *testing.T) {
		c1, err := newPacket(Config{Rand: testRand(1)}, [4]byte{})
		require.NoError(t, err)
		copy(c1[4:8], "time")
		res, err := Client(scripted(serverScript(3, s1, c1)), Config{Rand: testRand(1)})
		require.NoError(t, err)
		assert.True(t, res.ReplyValid)
	})
	t.Run("digest C1, S1 without, whatever its version", func(t *testing.T) {
		s1 := pattern(5, 1, [8]byte{0, 0, 0, 1, 3, 5, 1, 1})
		peer := scripted(serverScript(3, s1, new(packet)))
		res, err := Client(peer, Config{Digest: true})
		require.NoError(t, err)
		assert.False(t, res.Digest)
		assert.Equal(t, s1[:], peer.sent.Bytes()[1+packetSize:], "C2 echoes S1")
	})
	t.Run("digest in S1, S2 not signed", func(t *testing.T) {
		s1 := pattern(5, 1, [8]byte{})
		digest := mediaServer.sign(s1, SchemeKeyFirst)
		peer := scripted(serverScript(3, s1, new(packet)))
		res, err := Client(peer, Config{Digest: true})
		require.NoError(t, err)
		assert.True(t, res.Digest, "a digest is found even if the version word is zero")
		assert.Equal(t, SchemeKeyFirst, res.Scheme)
		assert.False(t, res.ReplyValid)
		assert.True(t, player.verifyReply((*packet)(peer.sent.Bytes()[1+packetSize:]), digest, EncryptionNone), "C2")
	})
	t.Run("a plain client does not look for digests", func(t *testing.T) {
		s1 := pattern(5, 1, [8]byte{})
		mediaServer.sign(s1, SchemeKeyFirst)
		res, err := Client(scripted(serverScript(3, s1, new(packet))), Config{})
		require.NoError(t, err)
		assert.False(t, res.Digest)
	})
}

// TestClientTakesS2BeforeAndAfterC2 checks the client with both kinds of servers: strict ones send S2 after they have received C2, most
// send everything at once.
func TestClientTakesS2BeforeAndAfterC2(t *testing.T) {
	for _, s2After := range []bool{true, false} {
		t.Run(fmt.Sprintf("S2 after C2: %v", s2After), func(t *testing.T) {
			cc, sc := conntest.Pair(t)
			require.NoError(t, cc.SetDeadline(time.Now().Add(10*time.Second)))
			served := make(chan error, 1)
			go func() {
				all := make([]byte, 1+2*packetSize)
				_, err := io.ReadFull(sc, all[:1+packetSize])
				early := 1 + 2*packetSize
				if s2After {
					early = 1 + packetSize
				}
				answer := bytes.Repeat([]byte{3}, 1+2*packetSize)
				_, err1 := sc.Write(answer[:early])
				_, err2 := io.ReadFull(sc, all[1+packetSize:])
				_, err3 := sc.Write(answer[early:])
				served <- errors.Join(err, err1, err2, err3)
			}()
			_, err := Client(cc, Config{})
			require.NoError(t, err)
			require.NoError(t, <-served)
		})
	}
}

func TestServerPackets(t *testing.T) {
	clientScript := func(c1 *packet) []byte { return serverScript(3, c1, new(packet)) }
	t.Run("plain", func(t *testing.T) {
		c1 := pattern(7, 3, [8]byte{})
		peer := scripted(clientScript(c1))
		res, err := Server(peer, Config{Time: 5, Rand: testRand(1)})
		require.NoError(t, err)
		assert.False(t, res.ReplyValid, "C2 is not an echo")
		assert.Equal(t, "chunks", string(peer.rest(t)))

		sent := peer.sent.Bytes()
		require.Len(t, sent, 1+2*packetSize)
		assert.Equal(t, 1, peer.writes, "S0, S1 and S2 are sent in one write")
		assert.Equal(t, []byte{3, 0, 0, 0, 5, 0, 0, 0, 0}, sent[:9])
		assert.Equal(t, sent[1+packetSize-32:1+packetSize], res.S1Tail[:])
		assert.Equal(t, c1[:], sent[1+packetSize:], "S2 echoes C1")
	})
	t.Run("with version zero, a valid digest is a coincidence", func(t *testing.T) {
		c1 := pattern(7, 3, [8]byte{})
		player.sign(c1, SchemeDigestFirst)
		res, err := Server(scripted(clientScript(c1)), Config{})
		require.NoError(t, err)
		assert.False(t, res.Digest)
	})
	t.Run("a version without digest", func(t *testing.T) {
		peer := scripted(clientScript(pattern(7, 3, [8]byte{4: 9, 6: 124, 7: 2})))
		res, err := Server(peer, Config{})
		require.NoError(t, err)
		assert.False(t, res.Digest)
		assert.Equal(t, make([]byte, 8), peer.sent.Bytes()[1:9], "S1 does not announce a digest either")
	})
	t.Run("C2 not signed", func(t *testing.T) {
		c1 := pattern(7, 3, [8]byte{4: 9})
		player.sign(c1, SchemeKeyFirst)
		res, err := Server(scripted(clientScript(c1)), Config{})
		require.NoError(t, err)
		assert.True(t, res.Digest)
		assert.False(t, res.ReplyValid)
	})
}

var halves = map[string]func(io.ReadWriter, Config) (*Result, error){"client": Client, "server": Server}

func TestFirstByte(t *testing.T) {
	for half, f := range halves {
		for c := range 256 {
			_, err := f(scripted(bytes.Repeat([]byte{byte(c)}, 1+2*packetSize)), Config{})
			if c < 32 && c != 6 && c != 8 && c != 9 && c != 0x15 && c != 0x16 {
				assert.NoError(t, err, "%s %#x", half, c)
				continue
			}
			var e *Error
			if assert.ErrorAs(t, err, &e, "%s %#x", half, c) {
				assert.Equal(t, byte(c), e.Value)
				assert.NoError(t, e.Err)
			}
		}
	}
}

func TestFirstByteText(t *testing.T) {
	tests := []struct{ half, sent, want string }{
		{"client", "HTTP/1.1 400 Bad Request\r\n\r\n", `handshake: read S0: peer answered 0x48 ("HTTP/1.1 400 Bad Request"): not an RTMP server?`},
		{"client", "SSH-2.0-OpenSSH_9.2p1\r\n", `handshake: read S0: peer answered 0x53 ("SSH-2.0-OpenSSH_9.2p1"): not an RTMP server?`},
		{"client", "\x15\x03\x01\x00\x02\x02\x46", `handshake: read S0: peer answered 0x15: not an RTMP server?`},
		{"client", "\xff", `handshake: read S0: peer answered 0xff: not an RTMP server?`},
		{"client", "\x06", `handshake: read S0: server wants an encrypted connection (RTMPE type 6)`},
		{"server", "GET / HTTP/1.1\r\n", `handshake: read C0: peer sent 0x47 ("GET / HTTP/1.1"): not an RTMP client?`},
		{"server", "\x16\x03\x01", `handshake: read C0: peer sent 0x16: not an RTMP client?`},
		{"server", "\x09", `handshake: read C0: client wants an encrypted connection (RTMPE type 9)`},
	}
	for _, tt := range tests {
		_, err := halves[tt.half](scripted([]byte(tt.sent)), Config{})
		assert.EqualError(t, err, tt.want)
	}
}

// fault is a connection that delivers some bytes and then fails.
type fault struct {
	io.Reader
	writable int // number of writes that succeed
	err      error
}

func (f *fault) Write(p []byte) (int, error) {
	if f.writable--; f.writable < 0 {
		return 0, f.err
	}
	return len(p), nil
}

func TestCutAtEveryByte(t *testing.T) {
	whole := bytes.Repeat([]byte{3}, 1+2*packetSize)
	causes := []struct{ sent, want error }{
		{io.EOF, io.ErrUnexpectedEOF},
		{io.ErrUnexpectedEOF, io.ErrUnexpectedEOF},
		{net.ErrClosed, net.ErrClosed},
		{os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
	}
	for half, f := range halves {
		for n := range whole {
			for _, cause := range causes {
				conn := &fault{Reader: io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(cause.sent)), writable: 2}
				_, err := f(conn, Config{})
				var e *Error
				require.ErrorAs(t, err, &e, "%s cut at byte %d", half, n)
				require.ErrorIs(t, err, cause.want, "%s cut at byte %d", half, n)
				require.NotErrorIs(t, err, io.EOF)
				require.Equal(t, max(n-1, 0)%packetSize, e.Value, "%s cut at byte %d", half, n)
			}
		}
		_, err := f(&fault{Reader: bytes.NewReader(whole), writable: 2}, Config{})
		require.NoError(t, err, half)
	}
}

func TestErrors(t *testing.T) {
	whole := bytes.Repeat([]byte{3}, 1+2*packetSize)
	broken := errors.New("broken pipe")
	tests := []struct {
		half string
		cfg  Config
		conn *fault
		want string
		is   error
	}{
		{"client", Config{}, &fault{Reader: bytes.NewReader(whole[:0])}, "handshake: write C0 and C1: broken pipe", broken},
		{"client", Config{}, &fault{Reader: bytes.NewReader(whole), writable: 1}, "handshake: write C2: broken pipe", broken},
		{"client", Config{Data: whole[:1]}, &fault{Reader: iotest.OneByteReader(bytes.NewReader(whole)), writable: 2},
			"handshake: write after C2: broken pipe", broken},
		{"client", Config{Early: EarlyAtOnce}, &fault{Reader: bytes.NewReader(whole)}, "handshake: write C0, C1 and C2: broken pipe", broken},
		{"client", Config{}, &fault{Reader: bytes.NewReader(nil), writable: 1},
			"handshake: read S0: after 0 of 1 bytes: unexpected EOF", io.ErrUnexpectedEOF},
		{"client", Config{}, &fault{Reader: bytes.NewReader(whole[:101]), writable: 1},
			"handshake: read S1: after 100 of 1536 bytes: unexpected EOF", io.ErrUnexpectedEOF},
		{"client", Config{Rand: bytes.NewReader(whole[:10])}, &fault{Reader: bytes.NewReader(whole)},
			"handshake: random bytes: unexpected EOF", io.ErrUnexpectedEOF},
		{"client", Config{Digest: true, Rand: bytes.NewReader(nil)}, &fault{Reader: bytes.NewReader(whole)},
			"handshake: random bytes: unexpected EOF", io.ErrUnexpectedEOF},
		{"server", Config{}, &fault{Reader: bytes.NewReader(whole)}, "handshake: write S0, S1 and S2: broken pipe", broken},
		{"server", Config{Rand: iotest.ErrReader(broken)}, &fault{Reader: bytes.NewReader(whole)}, "handshake: random bytes: broken pipe", broken},
	}
	for _, tt := range tests {
		tt.conn.err = broken
		res, err := halves[tt.half](tt.conn, tt.cfg)
		assert.Nil(t, res)
		assert.EqualError(t, err, tt.want)
		assert.ErrorIs(t, err, tt.is)
	}
}
