package handshake

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fuzz runs one half against a peer that says data. However it ends, it has taken no byte behind the handshake.
func fuzz(t *testing.T, half string, cfg Config, data []byte) {
	cfg.Rand = testRand(7)
	src := bytes.NewReader(data)
	res, err := halves[half](&script{Reader: src}, cfg)
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
}

// signed returns packets that pass for a peer's, from the given role.
func signed(r role, s Scheme) []byte {
	p := pattern(7, 3, [8]byte{4: 9})
	r.sign(p, s)
	return serverScript(3, p, new(packet))
}

func FuzzClient(f *testing.F) {
	f.Add(true, uint8(0), signed(mediaServer, SchemeDigestFirst))
	f.Add(true, uint8(1), signed(mediaServer, SchemeKeyFirst))
	f.Add(false, uint8(2), bytes.Repeat([]byte{3}, 4000))
	f.Add(true, uint8(200), []byte("HTTP/1.1 200 OK\r\n"))
	f.Add(true, uint8(0), []byte{6})
	f.Fuzz(func(t *testing.T, digest bool, scheme uint8, data []byte) {
		fuzz(t, "client", Config{Digest: digest, Scheme: Scheme(scheme)}, data)
	})
}

func FuzzServer(f *testing.F) {
	f.Add(false, uint8(0), signed(player, SchemeDigestFirst))
	f.Add(false, uint8(1), signed(player, SchemeKeyFirst))
	f.Add(true, uint8(2), signed(player, SchemeKeyFirst))
	f.Add(false, uint8(255), bytes.Repeat([]byte{3}, 1536))
	f.Fuzz(func(t *testing.T, plainOnly bool, scheme uint8, data []byte) {
		fuzz(t, "server", Config{PlainOnly: plainOnly, Scheme: Scheme(scheme)}, data)
	})
}
