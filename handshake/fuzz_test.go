package handshake

import (
	"bytes"
	"io"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fuzz runs a client or server against a peer that sends data. It checks that no byte after the handshake was read, and that a client has
// sent its data once, at the end.
func fuzz(t *testing.T, half string, cfg Config, data []byte) {
	cfg.Rand = testRand(7)
	src := bytes.NewReader(data)
	peer := &script{Reader: src}
	res, err := halves[half](peer, cfg)
	taken := len(data) - src.Len()
	if err != nil {
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Nil(t, res)
		assert.LessOrEqual(t, taken, 1+2*packetSize)
		return
	}
	assert.Equal(t, 1+2*packetSize, taken)
	assert.Equal(t, res.Digest, res.Scheme != SchemeAuto)
	assert.Equal(t, data[0], res.PeerType)
	assert.Equal(t, data[5:9], res.PeerVersion[:])
	encrypted := res.Encryption != EncryptionNone
	assert.Equal(t, encrypted, res.In != nil)
	assert.Equal(t, encrypted, res.Out != nil)
	require.Equal(t, 1+2*packetSize+len(cfg.Data), peer.sent.Len())
	if !encrypted {
		assert.Equal(t, cfg.Data, append([]byte(nil), peer.sent.Bytes()[1+2*packetSize:]...))
	}
}

func signed(r role, s Scheme) []byte {
	p := pattern(7, 3, [8]byte{4: 9})
	r.sign(p, s)
	return serverScript(3, p, new(packet))
}

// encryptedScript returns what a peer sends to a client or server that takes its random numbers from the source in fuzz.
func encryptedScript(half string) []byte {
	var said bytes.Buffer
	s := independentPeer{first: 6}.facing(half)
	halves[half](cut{io.TeeReader(s, &said), s}, Config{Encryption: EncryptionPlain, Rand: testRand(7)})
	return said.Bytes()
}

func FuzzClient(f *testing.F) {
	f.Add(true, uint8(0), uint8(0), uint8(0), signed(mediaServer, SchemeDigestFirst))
	f.Add(true, uint8(1), uint8(0), uint8(1), signed(mediaServer, SchemeKeyFirst))
	f.Add(false, uint8(2), uint8(0), uint8(0), bytes.Repeat([]byte{3}, 4000))
	f.Add(false, uint8(0), uint8(0), uint8(1), bytes.Repeat([]byte{3}, 4000))
	f.Add(false, uint8(0), uint8(0), uint8(2), bytes.Repeat([]byte{3}, 4000))
	f.Add(true, uint8(200), uint8(0), uint8(2), []byte("HTTP/1.1 200 OK\r\n"))
	f.Add(true, uint8(0), uint8(0), uint8(2), []byte{6})
	f.Add(true, uint8(0), uint8(6), uint8(2), encryptedScript("client"))
	f.Add(true, uint8(0), uint8(7), uint8(0), []byte{6})
	f.Fuzz(func(t *testing.T, digest bool, scheme, encryption, early uint8, data []byte) {
		fuzz(t, "client", Config{Digest: digest, Scheme: Scheme(scheme), Encryption: Encryption(encryption),
			Data: []byte("connect"), Early: Early(early)}, data)
	})
}

func FuzzServer(f *testing.F) {
	f.Add(false, uint8(0), uint8(0), signed(player, SchemeDigestFirst))
	f.Add(false, uint8(1), uint8(0), signed(player, SchemeKeyFirst))
	f.Add(true, uint8(2), uint8(0), signed(player, SchemeKeyFirst))
	f.Add(false, uint8(255), uint8(0), bytes.Repeat([]byte{3}, 1536))
	f.Add(false, uint8(0), uint8(6), encryptedScript("server"))
	f.Add(false, uint8(0), uint8(9), encryptedScript("server"))
	f.Fuzz(func(t *testing.T, plainOnly bool, scheme, encryption uint8, data []byte) {
		fuzz(t, "server", Config{PlainOnly: plainOnly, Scheme: Scheme(scheme), Encryption: Encryption(encryption)}, data)
	})
}

// fuzzEncrypted runs a client or server against a peer. The peer's first packet always has a valid digest, so that the code after
// that check is reached. number is the peer's private key if exponent is set, and otherwise its public key.
func fuzzEncrypted(f *testing.F, half string) {
	f.Add(uint8(6), uint8(6), uint8(0), true, false, true, []byte{1, 2, 3}, uint16(0), uint8(0))
	f.Add(uint8(8), uint8(6), uint8(1), false, false, true, []byte{0}, uint16(0), uint8(0))
	f.Add(uint8(9), uint8(6), uint8(2), false, false, false, []byte{2}, uint16(0), uint8(0))
	f.Add(uint8(6), uint8(9), uint8(2), true, false, false, groupPrime.Bytes(), uint16(0), uint8(0))
	f.Add(uint8(6), uint8(8), uint8(2), true, false, false, primeMinus1.Bytes(), uint16(0), uint8(0))
	f.Add(uint8(8), uint8(8), uint8(0), true, false, true, groupPrime.Bytes(), uint16(1504), uint8(1))
	f.Add(uint8(9), uint8(3), uint8(0), false, false, true, []byte{1, 0}, uint16(0), uint8(0))
	f.Add(uint8(9), uint8(9), uint8(0), false, true, true, []byte{1, 0}, uint16(0), uint8(0))
	f.Fuzz(func(t *testing.T, encryption, first, scheme uint8, digestFirst, unsigned, exponent bool,
		number []byte, spoilAt uint16, spoil uint8) {
		if len(number) > keySize {
			return
		}
		n := new(big.Int).SetBytes(number)
		s := independentPeer{first: first, digestFirst: digestFirst, unsigned: unsigned, spoilAt: int(spoilAt) % packetSize, spoil: spoil}
		if exponent {
			s.private = n
			n = new(big.Int).Exp(groupGenerator, n, groupPrime)
		} else {
			s.public = n.FillBytes(make([]byte, keySize))
		}
		peer := s.facing(half)
		e := Encryption(encryption)
		res, err := meet(half, Config{Encryption: e, Scheme: Scheme(scheme)}, peer)

		known := e == 6 || e == 8 || e == 9
		agreed := first == 6 || first == 8 || first == 9
		sound := n.Cmp(one) > 0 && n.Cmp(primeMinus1) < 0
		if !agreed && (e == EncryptionNone || known && half == "server") {
			return // without encryption: covered by the other fuzz tests
		}
		require.Equal(t, known && agreed && sound && !unsigned && spoil == 0, err == nil, "%v", err)
		if err != nil {
			var refused *Error
			require.ErrorAs(t, err, &refused)
			assert.NotEmpty(t, refused.Stage)
			assert.NoError(t, refused.Err, "no byte was missing, so there is no cause")
			return
		}
		if exponent {
			talk(t, res, peer)
		}
	})
}

func FuzzEncryptedClient(f *testing.F) { fuzzEncrypted(f, "client") }

func FuzzEncryptedServer(f *testing.F) { fuzzEncrypted(f, "server") }
