package handshake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func fromHex(t *testing.T, digits string) []byte {
	b, err := hex.DecodeString(digits)
	require.NoError(t, err)
	return b
}

// ascending returns 128 bytes, each of which is one greater than its predecessor.
func ascending(from int) (b [keySize]byte) {
	for i := range b {
		b[i] = byte(from + i)
	}
	return b
}

func TestEncryptionNames(t *testing.T) {
	for e, want := range map[Encryption]string{
		EncryptionNone: "none", EncryptionPlain: "RTMPE type 6", EncryptionXTEA: "RTMPE type 8",
		EncryptionBlowfish: "RTMPE type 9", 3: "unknown", 7: "unknown", 10: "unknown",
	} {
		assert.Equal(t, want, e.String())
	}
}

func TestUnknownEncryption(t *testing.T) {
	for half, f := range halves {
		for e := range 256 {
			if e == 0 || e == 6 || e == 8 || e == 9 {
				continue
			}
			peer := scripted([]byte{6})
			_, err := f(peer, Config{Encryption: Encryption(e)})
			var refused *Error
			if assert.ErrorAs(t, err, &refused, "%s %d", half, e) {
				assert.Equal(t, "config", refused.Stage)
				assert.Equal(t, Encryption(e), refused.Value)
			}
			assert.Len(t, peer.rest(t), 1, "no more bytes are read")
			assert.Zero(t, peer.writes, "nothing is written")
		}
	}
}

// TestGroup checks the group of the key exchange. The vectors in this file come from the script described in the comment of recording.
func TestGroup(t *testing.T) {
	sum := sha256.Sum256(groupPrime.Bytes())
	assert.Equal(t, "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0", hex.EncodeToString(sum[:]), "p")

	// newKeyPair never returns the private key 65537, so this computes its secret with the public key 2.
	k := &keyPair{private: big.NewInt(65537)}
	secret, err := k.secret([keySize]byte{keySize - 1: 2})
	require.NoError(t, err)
	sum = sha256.Sum256(secret[:])
	assert.Equal(t, "d97b29b4b8b3eeedc87776625b2277395bafb33da98d7082f99da54f1518ada2", hex.EncodeToString(sum[:]), "2^65537")
}

func TestPrivateKey(t *testing.T) {
	for _, random := range [][]byte{make([]byte, privateSize), bytes.Repeat([]byte{0xff}, privateSize)} {
		src := bytes.NewReader(append(random, "rest"...))
		k, err := newKeyPair(Config{Rand: src})
		require.NoError(t, err)
		assert.Equal(t, 4, src.Len(), "random bytes left")
		assert.Equal(t, 1+8*privateSize, k.private.BitLen())
		assert.Equal(t, random, k.private.Bytes()[1:])
	}
}

// TestSessionCiphers checks that a session uses the key stream from byte 1536 on.
func TestSessionCiphers(t *testing.T) {
	secret, serverKey := ascending(0), ascending(0x80)
	var clientKey [keySize]byte
	for i := range clientKey {
		clientKey[i] = byte(0xff - i)
	}
	tests := []struct {
		receiver  string
		publicKey [keySize]byte
		want      string
	}{
		{"server", serverKey, "fd07ac8cab2897593bd2cecb55d38ef6"},
		{"client", clientKey, "b5a2f5d9d601531d1c7706ca34525f73"},
	}
	for _, tt := range tests {
		stream := make([]byte, 16)
		c, err := newCipher(secret, tt.publicKey)
		require.NoError(t, err)
		c.XORKeyStream(stream, stream)
		assert.Equal(t, tt.want, hex.EncodeToString(stream), "to the %s", tt.receiver)
	}
}

// TestSignatureVectors uses the input of TestDigestVectors: the digests of a C1 and an S1, and replies whose bytes are ascending.
func TestSignatureVectors(t *testing.T) {
	tests := []struct {
		replier    role
		digest     string
		xtea, fish string
	}{
		{player, "a18b3e83d43472dfab6b4bf942bdbd6258b9b87f368948e836d0094d9ee14a8f",
			"1c7a5a1f71d950307f7eb1e2608e790e14bdb4a2c2f8b31a1b16fc27990e2abb",
			"1335136c20a6663ed0e9dbbb7ede4f7f921c18dd978d743375e56afb6e5ecda8"},
		{player, "55d8b9fef1318c86567c0c727b5d7e2e37cee2ab503afeb1b6dddc8297d73966",
			"10b1b7389200364371401fa6b98f2691b4b796fd4e435f6faa8189c51cb0823a",
			"9c5bc3c442b729f04f4f857a889eb4fd129122364dba3f953cd99a2fad1fec2f"},
		{mediaServer, "0b441119ef46c4660e578ac88d3bf4c2d8901ff9a39c94bb92cb345f63928860",
			"9769523b6ddcd248f067f395d64e85643a0b8f66fce5096f3b35cbcee0f0d589", "fde236e47ad62f9f7dae79718b91c4ac569f50354650e9c4896946b1d2303573"},
		{mediaServer, "8e211aefe949d44221d8905aa6154973bcab5ecb43dc582f65b1de1c2f94e4d5",
			"106aa38cc36f6106407d3bad442993ca36f252065df1f8af0b3e08b9471bbe17", "1fcd6571b33a45a34ae480740d76613fbbac3e9bd3a5e42c43eb22f6747cb06e"},
	}
	reply := pattern(1, 0, [8]byte{0, 1, 2, 3, 4, 5, 6, 7})
	for _, tt := range tests {
		digest := [digestSize]byte(fromHex(t, tt.digest))
		for e, want := range map[Encryption]string{EncryptionXTEA: tt.xtea, EncryptionBlowfish: tt.fish} {
			sig := tt.replier.replySignature(reply, digest, e)
			assert.Equal(t, want, hex.EncodeToString(sig[:]), "%v, digest %.8s", e, tt.digest)
		}
	}
}

// TestSignatureKeys enciphers 00 01 .. 07 with every key that can be selected.
func TestSignatureKeys(t *testing.T) {
	vectors := [signatureKeys]struct{ xtea, fish string }{
		{"c7c82aca95daa419", "a031fb6d807be57d"},
		{"56db83e87bb6c03f", "c6bf25ece357e347"},
		{"83e79d336fe13cf4", "f524a328092d4769"},
		{"3f6995e8db8eff4b", "6f719aa57093a566"},
		{"461421c5e9476b9e", "c231405151907752"},
		{"b4cb855c172482f6", "1d25cc9bde471da4"},
		{"125fd128ad5d3482", "ffd7e49294afae43"},
		{"462cb97d43c6dca1", "4d14bb94b0cf1321"},
		{"f50041d2a536667c", "d54ef4538c6252e9"},
		{"84f660b627880e23", "ca0a9910c0de1b08"},
		{"58d64861f02e38fa", "67e5d62da3dcf2e5"},
		{"ebb7e02f45c30c73", "c276411c15ec7a19"},
		{"252099840f5d0952", "58d100468622b7c7"},
		{"c6036f28cfa4256e", "de85ea2830aa8abd"},
		{"b7eecfdda2307f55", "e3082b7c168b32eb"},
	}
	plain := signature(bytes.Repeat([]byte{0, 1, 2, 3, 4, 5, 6, 7}, digestSize/8))
	for selector := range 256 {
		// One byte of the key selects the cipher's key for each 8 bytes of the signature. The other bytes must have no effect.
		var want [3][]byte
		key := [digestSize]byte(bytes.Repeat([]byte{0xa5}, digestSize))
		for at := 0; at < digestSize; at += 8 {
			key[at] = byte(selector + at)
			v := vectors[key[at]%15]
			want[0] = append(want[0], plain[at:at+8]...)
			want[1] = append(want[1], fromHex(t, v.xtea)...)
			want[2] = append(want[2], fromHex(t, v.fish)...)
		}
		for i, e := range []Encryption{EncryptionPlain, EncryptionXTEA, EncryptionBlowfish} {
			sig := plain
			e.encipher(&sig, key)
			assert.Equal(t, want[i], sig[:], "%v, selector %d", e, selector)
		}
	}
}
