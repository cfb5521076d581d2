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

// recording is a session between librtmp (rtmpdump or rtmpsrv 2.4) and a script, each of which accepted and deciphered what the other had
// sent. The script shares no code with this package: its big numbers, HMAC, RC4 and XTEA are Python's, its Blowfish is OpenSSL's, and its
// keys for types 8 and 9 come from librtmp's binary.
type recording struct {
	Type             byte       // S0
	Rand             []byte     // the script's random bytes: first packet, private key without its leading one, second packet
	C0C1, S0S1S2, C2 []byte     // the handshake
	In, Out          []exchange // what the script read and sent after the handshake

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

// config returns the Config with which a client or server sends what the script sent. said begins with the script's first byte and first
// packet.
func (rec *recording) config(said []byte) Config {
	return Config{
		Encryption: Encryption(said[0]),
		Time:       binary.BigEndian.Uint32(said[1:]),
		Version:    [4]byte(said[5:]),
		Rand:       bytes.NewReader(rec.Rand),
	}
}

// TestRecordedSessions puts our client or server in the place of the script, with the script's random bytes. It must send the same bytes
// and accept the same replies. This finds mistakes that our two halves share.
func TestRecordedSessions(t *testing.T) {
	clientKey := func(rec *recording) []byte { return rec.ClientKey }
	serverKey := func(rec *recording) []byte { return rec.ServerKey }
	secret := func(rec *recording) []byte { return rec.Secret }
	tests := []struct {
		name   string
		half   string
		scheme Scheme                  // our scheme, if not the default
		zero   func(*recording) []byte // which number begins with a zero byte
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
			require.Len(t, says, len(rec.S0S1S2)) // C0, C1 and C2 have the same length

			cfg := rec.config(says)
			cfg.Scheme = tt.scheme
			peer := scripted(hears)
			res, err := halves[tt.half](peer, cfg)
			require.NoError(t, err)

			assert.Equal(t, says, peer.sent.Bytes(), "our packets")
			assert.Equal(t, Encryption(rec.Type), res.Encryption)
			assert.Equal(t, hears[0], res.PeerType)
			assert.Equal(t, SchemeKeyFirst, res.Scheme, "librtmp's scheme, independent of ours")
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
