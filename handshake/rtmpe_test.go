package handshake

import (
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

var (
	encryptions = []Encryption{EncryptionPlain, EncryptionXTEA, EncryptionBlowfish}
	schemes     = []Scheme{SchemeAuto, SchemeDigestFirst, SchemeKeyFirst}
)

func TestOurHalvesEncrypted(t *testing.T) {
	for _, asked := range encryptions {
		for _, chosen := range encryptions {
			for _, clientScheme := range schemes {
				for _, serverScheme := range schemes {
					name := fmt.Sprintf("%v gets %v, %v to %v", asked, chosen, clientScheme, serverScheme)
					t.Run(name, func(t *testing.T) {
						cc, sc := conntest.Pair(t)
						c, s := run(t, dribble{cc}, dribble{sc},
							Config{Encryption: asked, Scheme: clientScheme}, Config{Encryption: chosen, Scheme: serverScheme})

						assert.Equal(t, chosen, c.Encryption)
						assert.Equal(t, chosen, s.Encryption)
						assert.EqualValues(t, chosen, c.PeerType)
						assert.EqualValues(t, asked, s.PeerType)
						assert.Equal(t, clientScheme.or(SchemeKeyFirst), s.Scheme)
						assert.Equal(t, serverScheme.or(s.Scheme), c.Scheme)
						assert.True(t, c.Digest && s.Digest && c.ReplyValid && s.ReplyValid)
						assert.Equal(t, defaultEncryptedVersion, s.PeerVersion)
						assert.Equal(t, defaultServerVersion, c.PeerVersion)
						assert.Equal(t, c.S1Tail, s.S1Tail)
					})
				}
			}
		}
	}
}

func meet(half string, cfg Config, s *independentPeer) (*Result, error) {
	if cfg.Rand == nil {
		cfg.Rand = testRand(1)
	}
	return halves[half](s, cfg)
}

// talk checks that both sides decipher each other's bytes from the first one on, in alternating directions.
func talk(t *testing.T, res *Result, s *independentPeer) {
	t.Helper()
	require.NoError(t, s.complaint)
	rest, err := io.ReadAll(s)
	require.NoError(t, err)
	require.Len(t, rest, len(greeting), "bytes after the handshake")

	pass := func(from, to interface{ XORKeyStream(dst, src []byte) }, text string) {
		b := []byte(text)
		from.XORKeyStream(b, b)
		assert.NotEqual(t, text, string(b))
		to.XORKeyStream(b, b)
		assert.Equal(t, text, string(b))
	}
	res.In.XORKeyStream(rest[:9], rest[:9])
	pass(res.Out, s.in, "our first bytes")
	res.In.XORKeyStream(rest[9:], rest[9:])
	assert.Equal(t, greeting, string(rest))
	for range 3 {
		pass(s.out, res.In, string(make([]byte, 1000)))
		pass(res.Out, s.in, "ours again")
	}
}

func TestStrangers(t *testing.T) {
	for half := range halves {
		for _, e := range encryptions {
			for _, theirs := range schemes[1:] {
				for _, ours := range schemes {
					t.Run(fmt.Sprintf("%s, %v, their %v, our %v", half, e, theirs, ours), func(t *testing.T) {
						s := independentPeer{first: byte(e), digestFirst: theirs == SchemeDigestFirst}
						cfg := Config{Encryption: EncryptionPlain, Scheme: ours}
						if half == "server" {
							s.first, cfg.Encryption = 6, e
						}
						peer := s.facing(half)
						res, err := meet(half, cfg, peer)
						require.NoError(t, err)
						assert.Equal(t, e, res.Encryption)
						assert.Equal(t, theirs, res.Scheme)
						assert.Equal(t, s.first, res.PeerType)
						assert.Equal(t, independentVersion, res.PeerVersion)
						assert.True(t, res.ReplyValid)
						talk(t, res, peer)
					})
				}
			}
		}
	}
}

// TestDigestNotAnnounced checks that on an encrypted connection a digest is found even if the version word is zero, as in crtmpserver's S1.
func TestDigestNotAnnounced(t *testing.T) {
	for half := range halves {
		s := independentPeer{first: 6, silent: true}.facing(half)
		res, err := meet(half, Config{Encryption: EncryptionPlain}, s)
		require.NoError(t, err, half)
		assert.Zero(t, res.PeerVersion)
		talk(t, res, s)
	}
}

// The numbers of bytes that each side has read and sent when it refuses its peer's first packet.
var (
	hears  = map[string][3]string{"client": {"S0", "S1", "S2"}, "server": {"C0", "C1", "C2"}}
	opened = map[string]int{"client": 1 + packetSize, "server": 0}
)

// requireRefusal checks that err is the *Error want, without a cause.
func requireRefusal(t *testing.T, want *Error, res *Result, err error) {
	t.Helper()
	require.Nil(t, res)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e)
}

func TestWrongSignature(t *testing.T) {
	tests := []struct {
		name   string
		change func(*independentPeer)
	}{
		{"first byte signed", func(s *independentPeer) { s.spoil = 0x80 }},
		{"last byte signed", func(s *independentPeer) { s.spoilAt, s.spoil = packetSize-digestSize-1, 1 }},
		{"first byte of the signature", func(s *independentPeer) { s.spoilAt, s.spoil = packetSize-digestSize, 1 }},
		{"last byte of the signature", func(s *independentPeer) { s.spoilAt, s.spoil = packetSize-1, 0x80 }},
		{"signed for type 6", func(s *independentPeer) { s.signAs = 6 }},
		{"signed for type 8", func(s *independentPeer) { s.signAs = 8 }},
		{"signed for type 9", func(s *independentPeer) { s.signAs = 9 }},
		{"signed with the other side's key", func(s *independentPeer) { s.signName = s.peerName }},
	}
	for _, tt := range tests {
		for half := range halves {
			for _, e := range encryptions {
				t.Run(fmt.Sprintf("%s, %s, %v", tt.name, half, e), func(t *testing.T) {
					s := independentPeer{first: byte(e)}.facing(half)
					tt.change(s)
					res, err := meet(half, Config{Encryption: e}, s)
					if s.signAs == byte(e) {
						require.NoError(t, err)
						return
					}
					requireRefusal(t, &Error{
						Stage:  "read " + hears[half][2],
						Detail: "wrong signature for " + e.String(),
						Value:  [32]byte(s.second[packetSize-32:]),
					}, res, err)
				})
			}
		}
	}
}

// TestNoAgreement checks that both sides notice a disagreement about encryption at the first byte, and a missing digest at the first
// packet.
func TestNoAgreement(t *testing.T) {
	unsigned := func(packet string) *Error {
		return &Error{Stage: "read " + packet, Detail: "no valid digest, which RTMPE needs", Value: independentVersion}
	}
	refusesS0 := func(s0 byte) *Error {
		return &Error{Stage: "read S0", Detail: fmt.Sprintf("server answered %#02x: no encrypted connection", s0), Value: s0}
	}
	wants := func(packet, peer string, typ byte) *Error {
		detail := fmt.Sprintf("%s wants an encrypted connection (RTMPE type %d)", peer, typ)
		return &Error{Stage: "read " + packet, Detail: detail, Value: typ}
	}
	tests := []struct {
		half string
		cfg  Config
		peer independentPeer
		want *Error
	}{
		{"client", Config{Encryption: 6}, independentPeer{first: 3}, refusesS0(3)},
		{"client", Config{Encryption: 8}, independentPeer{first: 3}, refusesS0(3)},
		{"client", Config{Encryption: 9}, independentPeer{first: 3}, refusesS0(3)},
		{"client", Config{Encryption: 6, Digest: true}, independentPeer{first: 3, unsigned: true}, refusesS0(3)},
		{"client", Config{Encryption: 6}, independentPeer{first: 0}, refusesS0(0)},
		{"client", Config{Encryption: 6}, independentPeer{first: 7}, refusesS0(7)},
		{"client", Config{Encryption: 6}, independentPeer{first: 10}, refusesS0(10)},
		{"client", Config{Encryption: 6}, independentPeer{first: 6, unsigned: true}, unsigned("S1")},
		{"client", Config{Encryption: 6}, independentPeer{first: 9, unsigned: true}, unsigned("S1")},
		{"client", Config{}, independentPeer{first: 6}, wants("S0", "server", 6)},
		{"client", Config{Digest: true}, independentPeer{first: 8}, wants("S0", "server", 8)},
		{"client", Config{Digest: true}, independentPeer{first: 9}, wants("S0", "server", 9)},

		{"server", Config{}, independentPeer{first: 6}, wants("C0", "client", 6)},
		{"server", Config{}, independentPeer{first: 8}, wants("C0", "client", 8)},
		{"server", Config{}, independentPeer{first: 9}, wants("C0", "client", 9)},
		{"server", Config{Encryption: 6, PlainOnly: true}, independentPeer{first: 6}, wants("C0", "client", 6)},
		{"server", Config{Encryption: 9, PlainOnly: true}, independentPeer{first: 9}, wants("C0", "client", 9)},
		{"server", Config{Encryption: 6}, independentPeer{first: 6, unsigned: true}, unsigned("C1")},
		{"server", Config{Encryption: 8}, independentPeer{first: 9, unsigned: true}, unsigned("C1")},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s with %v hears %d", tt.half, tt.cfg.Encryption, tt.peer.first), func(t *testing.T) {
			s := tt.peer.facing(tt.half)
			res, err := meet(tt.half, tt.cfg, s)
			requireRefusal(t, tt.want, res, err)
			assert.Equal(t, opened[tt.half], s.received, "bytes that we sent")
		})
	}
}

// TestUnencryptedClients checks that a server serves unencrypted clients in the same way with and without Config.Encryption.
func TestUnencryptedClients(t *testing.T) {
	tests := []struct {
		name           string
		client, server Config
		digest         bool
	}{
		{"plain", Config{}, Config{Encryption: EncryptionPlain}, false},
		{"digest", Config{Digest: true}, Config{Encryption: EncryptionXTEA}, true},
		{"digest, server is plain", Config{Digest: true}, Config{Encryption: EncryptionBlowfish, PlainOnly: true}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cc, sc := conntest.Pair(t)
			c, s := run(t, cc, sc, tt.client, tt.server)
			for _, res := range []*Result{c, s} {
				assert.Equal(t, tt.digest, res.Digest)
				assert.True(t, res.ReplyValid)
				assert.EqualValues(t, 3, res.PeerType)
				assert.Equal(t, EncryptionNone, res.Encryption)
				assert.Nil(t, res.In)
				assert.Nil(t, res.Out)
			}
		})
	}
}

type cut struct {
	io.Reader
	*independentPeer
}

func (c cut) Read(p []byte) (int, error) { return c.Reader.Read(p) }

func TestEncryptedCut(t *testing.T) {
	const second, whole = 1 + packetSize, 1 + 2*packetSize
	tests := []struct{ from, to, packet, begin, size int }{ // the connection ends at each byte in from..to
		{0, 0, 0, 0, 1},
		{1, second - 1, 1, 1, packetSize},
		{second, whole - 1, 2, second, packetSize},
	}
	for half := range halves {
		for _, tt := range tests {
			for _, n := range []int{tt.from, min(tt.from+1, tt.to), (tt.from + tt.to) / 2, tt.to} {
				s := independentPeer{first: 6}.facing(half)
				conn := cut{iotest.OneByteReader(io.LimitReader(s, int64(n))), s}
				res, err := halves[half](conn, Config{Encryption: EncryptionPlain})
				requireRefusal(t, &Error{
					Stage:  "read " + hears[half][tt.packet],
					Detail: fmt.Sprintf("after %d of %d bytes", n-tt.begin, tt.size),
					Value:  n - tt.begin,
					Err:    io.ErrUnexpectedEOF,
				}, res, err)
			}
		}
		s := independentPeer{first: 6}.facing(half)
		res, err := halves[half](cut{iotest.OneByteReader(io.LimitReader(s, whole)), s}, Config{Encryption: EncryptionPlain})
		require.NoError(t, err)
		talk(t, res, s)
	}
}

// TestEncryptedRandomBytes makes each read of the random source fail.
func TestEncryptedRandomBytes(t *testing.T) {
	const opening, second = packetSize - 8, packetSize - digestSize
	tests := []struct {
		random   int
		ok       bool
		received map[string]int // number of bytes that we have sent by then
	}{
		{random: 0},
		{random: opening},
		{random: opening + privateSize - 1},
		{random: opening + privateSize, received: opened},
		{random: opening + privateSize + second - 1, received: opened},
		{random: opening + privateSize + second, ok: true, received: map[string]int{"client": 1 + 2*packetSize, "server": 1 + 2*packetSize}},
	}
	for _, tt := range tests {
		for half := range halves {
			t.Run(fmt.Sprintf("%d, %s", tt.random, half), func(t *testing.T) {
				s := independentPeer{first: 6}.facing(half)
				res, err := meet(half, Config{Encryption: EncryptionPlain, Rand: io.LimitReader(testRand(1), int64(tt.random))}, s)
				assert.Equal(t, tt.received[half], s.received, "bytes that we sent")
				if tt.ok {
					require.NoError(t, err)
					return
				}
				requireRefusal(t, &Error{Stage: "random bytes", Err: io.ErrUnexpectedEOF}, res, err)
			})
		}
	}
}
