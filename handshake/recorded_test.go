package handshake

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recording is a session that librtmp had, as rtmpdump or rtmpsrv 2.4, with a script that was its peer. The script was
// written from descriptions of the protocol and shares nothing with this package but them: its big numbers, HMAC, RC4 and XTEA
// are Python's, its Blowfish is OpenSSL's, and its keys of types 8 and 9 were cut out of librtmp's binary. Each side
// found the other's signature right and went on to understand what the other had enciphered.
type recording struct {
	Type             byte       // S0
	Rand             []byte     // the script's random bytes: first packet, private key less its first bit, second packet
	C0C1, S0S1S2, C2 []byte     // the handshake
	In, Out          []exchange // what the script read and sent after it

	ClientKey, ServerKey, Secret []byte // the numbers of the key exchange, 128 bytes each
}

type exchange struct{ Enciphered, Plain []byte }

func readRecording(t *testing.T, name string) *recording {
	b, err := os.ReadFile("testdata/" + name + ".json")
	require.NoError(t, err)
	rec := new(recording)
	require.NoError(t, json.Unmarshal(b, rec))
	return rec
}

// config makes a half say what the script said, whose first byte and first packet are at the beginning of said.
func (rec *recording) config(said []byte) Config {
	return Config{
		Encryption: Encryption(said[0]),
		Time:       binary.BigEndian.Uint32(said[1:]),
		Version:    [4]byte(said[5:]),
		Rand:       bytes.NewReader(rec.Rand),
	}
}

// A half of ours in the script's place, with the script's random bytes, sends the same bytes and understands the same ones. A
// mistake that our halves share shows here, and so does a leading zero that gets lost.
func TestRecordedSessions(t *testing.T) {
	clientKey := func(rec *recording) []byte { return rec.ClientKey }
	serverKey := func(rec *recording) []byte { return rec.ServerKey }
	secret := func(rec *recording) []byte { return rec.Secret }
	tests := []struct {
		name   string
		half   string
		scheme Scheme                  // ours, if it is not the usual one
		zero   func(*recording) []byte // the number that begins with a zero byte
	}{
		{name: "rtmpdump-6", half: "server", zero: secret},
		{name: "rtmpdump-8", half: "server", zero: serverKey},
		{name: "rtmpdump-9", half: "server", zero: clientKey},
		{name: "rtmpsrv-6", half: "client", zero: secret},
		{name: "rtmpsrv-8", half: "client", zero: clientKey},
		{name: "rtmpsrv-6-digest-first", half: "client", scheme: SchemeDigestFirst, zero: serverKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := readRecording(t, tt.name)
			hears, says := bytes.Join([][]byte{rec.C0C1, rec.C2}, nil), rec.S0S1S2
			if tt.half == "client" {
				hears, says = rec.S0S1S2, bytes.Join([][]byte{rec.C0C1, rec.C2}, nil)
			}
			for _, in := range rec.In {
				hears = append(hears, in.Enciphered...)
			}
			require.Len(t, says, len(rec.S0S1S2)) // C0, C1 and C2 are as long

			cfg := rec.config(says)
			cfg.Scheme = tt.scheme
			peer := scripted(hears)
			res, err := halves[tt.half](peer, cfg)
			require.NoError(t, err)

			assert.Equal(t, says, peer.sent.Bytes(), "our packets")
			assert.Equal(t, Encryption(rec.Type), res.Encryption)
			assert.Equal(t, hears[0], res.PeerType)
			assert.Equal(t, SchemeKeyFirst, res.Scheme, "librtmp's, whatever ours is")
			assert.True(t, res.Digest)
			assert.True(t, res.ReplyValid)
			assert.Equal(t, rec.S0S1S2[1+packetSize-32:1+packetSize], res.S1Tail[:])
			assert.Contains(t, string(rec.C0C1), string(rec.ClientKey))
			assert.Contains(t, string(rec.S0S1S2), string(rec.ServerKey))
			assert.Zero(t, tt.zero(rec)[0], "first byte")

			rest := peer.rest(t)
			for _, in := range rec.In {
				plain := make([]byte, len(in.Enciphered))
				res.In.XORKeyStream(plain, rest[:len(plain)])
				rest = rest[len(plain):]
				assert.Equal(t, string(in.Plain), string(plain))
			}
			for _, out := range rec.Out {
				enciphered := make([]byte, len(out.Plain))
				res.Out.XORKeyStream(enciphered, out.Plain)
				assert.Equal(t, out.Enciphered, enciphered)
			}
		})
	}
}
