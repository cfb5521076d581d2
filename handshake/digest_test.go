package handshake

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
)

// pattern returns a packet that begins with head. Every further byte i is factor*i + offset.
func pattern(factor, offset int, head [8]byte) *packet {
	p := new(packet)
	for i := range p {
		p[i] = byte(factor*i + offset)
	}
	copy(p[:], head[:])
	return p
}

// TestDigestVectors checks digests, keys and signatures against vectors from an implementation that has completed handshakes with rtmpdump.
func TestDigestVectors(t *testing.T) {
	type first struct {
		digestAt, keyAt        int
		digest, key, signature string // key and signature are those of the reply to this packet
		sha256                 string
	}
	tests := []struct {
		scheme Scheme
		c1, s1 first
	}{
		{SchemeDigestFirst, first{
			digestAt: 290, keyAt: 1106,
			digest:    "0b441119ef46c4660e578ac88d3bf4c2d8901ff9a39c94bb92cb345f63928860",
			key:       "c9b4bfa8650743a87fbcce8ea87abcef69670756c531d6476d141e04ce15331f",
			signature: "485520d33566a5507bca28778f937cbec855953fb67aaba8ebe54aff2cbf0857",
			sha256:    "97c733c9f73ec5c3dda41c1dd27f847e6d31634fce04f0f4c17de1bfd27893f9",
		}, first{
			digestAt: 206, keyAt: 1118,
			digest:    "a18b3e83d43472dfab6b4bf942bdbd6258b9b87f368948e836d0094d9ee14a8f",
			key:       "7963f629f23f20c3829620a9d8cac5e7729ecd1cc6b0974f57c2dbe66eadc7b2",
			signature: "0bb7141eae411639abb3761d43aed76927c94a780240deff7deb75bcf4ccbf7d",
			sha256:    "a4e77584b148d37ed6b66fc3af8c28323a5ce2c3e90f97c9f1038e911fb7f719",
		}},
		{SchemeKeyFirst, first{
			digestAt: 942, keyAt: 62,
			digest:    "8e211aefe949d44221d8905aa6154973bcab5ecb43dc582f65b1de1c2f94e4d5",
			key:       "be47901e0f17614f341c5874d282e921437abf14d7abc7583e1256bcde1e410c",
			signature: "972a28b5d9fc343762731a690f1967e775151e9c0088045ab884742f7c5b1113",
			sha256:    "d6abf3db96d97a96fb1c81f56d4a915f10e84490f308d4ae863828f38ceb8d84",
		}, first{
			digestAt: 890, keyAt: 42,
			digest:    "55d8b9fef1318c86567c0c727b5d7e2e37cee2ab503afeb1b6dddc8297d73966",
			key:       "b09e1dd3339b4d246d67beba7a43b38fe06c4f1986124b9002d07ac8abc5c468",
			signature: "e8b706ef2b068cb3ff2e794e83112fb95b90b8b8158bbbe5c9b818d1fcb52045",
			sha256:    "74d41e7c14e784546e31e8b24b1815800fdbd50e15201a4bcdb8c3f4468dbbc4",
		}},
	}
	for _, tt := range tests {
		check := func(name string, p *packet, signer, replier role, want first) {
			t.Run(tt.scheme.String()+" "+name, func(t *testing.T) {
				assert.Equal(t, want.digestAt, digestFields[tt.scheme].in(p), "position of the digest")
				assert.Equal(t, want.keyAt, keyFields[tt.scheme].in(p), "position of the key")

				digest := signer.sign(p, tt.scheme)
				assert.Equal(t, want.digest, hex.EncodeToString(digest[:]), "digest")
				assert.Equal(t, want.digest, hex.EncodeToString(p[want.digestAt:want.digestAt+32]), "digest in the packet")
				sum := sha256.Sum256(p[:])
				assert.Equal(t, want.sha256, hex.EncodeToString(sum[:]), "SHA-256 of the packet")

				for _, first := range []Scheme{SchemeDigestFirst, SchemeKeyFirst} {
					scheme, found := signer.find(p, first)
					assert.Equal(t, tt.scheme, scheme, "scheme found, starting with %v", first)
					assert.Equal(t, digest, found, "digest found")
				}
				scheme, _ := replier.find(p, tt.scheme)
				assert.Equal(t, SchemeAuto, scheme, "scheme found with the other side's key")

				key := hmacSHA256(replier.replyKey, digest[:])
				assert.Equal(t, want.key, hex.EncodeToString(key[:]), "key of the reply")
				reply := pattern(1, 0, [8]byte{0, 1, 2, 3, 4, 5, 6, 7})
				sig := replier.replySignature(reply, digest, EncryptionNone)
				assert.Equal(t, want.signature, hex.EncodeToString(sig[:]), "signature of the reply")

				assert.False(t, replier.verifyReply(reply, digest, EncryptionNone), "unsigned reply")
				copy(reply[packetSize-digestSize:], sig[:])
				assert.True(t, replier.verifyReply(reply, digest, EncryptionNone), "signed reply")
			})
		}
		check("C1", pattern(7, 3, [8]byte{0, 0, 0, 0, 0x80, 0, 7, 2}), player, mediaServer, tt.c1)
		check("S1", pattern(5, 1, [8]byte{0, 0, 0, 1, 3, 5, 1, 1}), mediaServer, player, tt.s1)
	}
}

// TestFieldRange checks that digest and key are inside their halves for all values of the selecting bytes.
func TestFieldRange(t *testing.T) {
	tests := []struct {
		name   string
		field  field
		size   int
		lo, hi int // hi is the first byte after the last position
	}{
		{"digest, digest first", digestFields[SchemeDigestFirst], digestSize, 12, 771},
		{"key, digest first", keyFields[SchemeDigestFirst], 128, 772, 1531},
		{"key, key first", keyFields[SchemeKeyFirst], 128, 8, 767},
		{"digest, key first", digestFields[SchemeKeyFirst], digestSize, 776, 1535},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lowest, highest := packetSize, 0
			for sum := range 4*255 + 1 {
				p := new(packet)
				for i, rest := 0, sum; i < 4; i++ {
					p[tt.field.selector+i] = byte(min(rest, 255))
					rest -= min(rest, 255)
				}
				at := tt.field.in(p)
				lowest, highest = min(lowest, at), max(highest, at)
			}
			assert.Equal(t, tt.lo, lowest)
			assert.Equal(t, tt.hi, highest+tt.size)
		})
	}
}

func TestSchemeString(t *testing.T) {
	for s, want := range map[Scheme]string{
		SchemeAuto: "auto", SchemeDigestFirst: "digest first", SchemeKeyFirst: "key first", 9: "unknown",
	} {
		assert.Equal(t, want, s.String())
	}
}
