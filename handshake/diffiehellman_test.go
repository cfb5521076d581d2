package handshake

import (
	"bytes"
	"fmt"
	"io"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// searchKey returns a private key, in the form of newKeyPair, for which ok accepts the public key and the secret shared with the owner of
// other. It tries keys in order, since each step takes only one multiplication.
func searchKey(t *testing.T, other *big.Int, ok func(public, secret *big.Int) bool) *big.Int {
	private := new(big.Int).Lsh(one, 8*privateSize)
	public := new(big.Int).Exp(groupGenerator, private, groupPrime)
	secret := new(big.Int).Exp(other, private, groupPrime)
	for range 1 << 20 {
		if ok(public, secret) {
			return private
		}
		private.Add(private, one)
		public.Mod(public.Lsh(public, 1), groupPrime)
		secret.Mod(secret.Mul(secret, other), groupPrime)
	}
	require.Fail(t, "no such private key")
	return nil
}

// randFor returns a Config.Rand that makes a client or server choose the given private key.
func randFor(private *big.Int) io.Reader {
	return io.MultiReader(io.LimitReader(testRand(1), packetSize-8), bytes.NewReader(private.Bytes()[1:]), testRand(2))
}

// TestLeadingZeros checks that numbers shorter than 128 bytes keep their leading zeros, in packets and in the input of the ciphers.
func TestLeadingZeros(t *testing.T) {
	short := func(n *big.Int) bool { return n.BitLen() <= 8*(keySize-2) }
	usual := new(big.Int).Lsh(one, 8*privateSize)
	usualPublic := new(big.Int).Exp(groupGenerator, usual, groupPrime)
	shortPublic := searchKey(t, usualPublic, func(public, _ *big.Int) bool { return short(public) })
	shortSecret := searchKey(t, usualPublic, func(_, secret *big.Int) bool { return short(secret) })
	tests := []struct {
		name                     string
		ours, theirs             *big.Int
		ourKey, theirKey, secret bool // which numbers begin with a zero byte
	}{
		{name: "none", ours: usual, theirs: usual},
		{name: "our key", ours: shortPublic, theirs: usual, ourKey: true},
		{name: "their key", ours: usual, theirs: shortPublic, theirKey: true},
		{name: "both keys", ours: shortPublic, theirs: shortPublic, ourKey: true, theirKey: true},
		{name: "secret", ours: usual, theirs: shortSecret, secret: true},
	}
	for _, tt := range tests {
		for half := range halves {
			t.Run(tt.name+", "+half, func(t *testing.T) {
				s := independentPeer{first: 6, private: tt.theirs}.facing(half)
				res, err := meet(half, Config{Encryption: EncryptionPlain, Rand: randFor(tt.ours)}, s)
				require.NoError(t, err)
				talk(t, res, s)

				number := func(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
				assert.Equal(t, tt.ourKey, short(number(s.theirKey)), "our key")
				assert.Equal(t, tt.theirKey, short(number(s.public)), "their key")
				assert.Equal(t, tt.secret, short(number(s.secret)), "secret")
			})
		}
	}
}

// TestPeersPublicKey checks that a public key that leads to a known secret is refused before we answer.
func TestPeersPublicKey(t *testing.T) {
	const tooGreat = "public key is p or greater"
	p := func(n int64) *big.Int { return new(big.Int).Add(groupPrime, big.NewInt(n)) }
	tests := []struct {
		name string
		key  *big.Int
		want string // empty if the key is valid
	}{
		{"0", big.NewInt(0), "public key is 0"},
		{"1", big.NewInt(1), "public key is 1"},
		{"2", big.NewInt(2), ""},
		{"p-2", p(-2), ""},
		{"p-1", p(-1), "public key is p-1"},
		{"p", p(0), tooGreat},
		{"p+1", p(1), tooGreat},
		{"p+2", p(2), tooGreat},
		{"2^1024-1", new(big.Int).Sub(new(big.Int).Lsh(one, 1024), one), tooGreat},
	}
	for _, tt := range tests {
		for half := range halves {
			for _, digestFirst := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %s, digest first: %v", tt.name, half, digestFirst), func(t *testing.T) {
					key := tt.key.FillBytes(make([]byte, keySize))
					s := independentPeer{first: 6, public: key, digestFirst: digestFirst}.facing(half)
					res, err := meet(half, Config{Encryption: EncryptionPlain}, s)
					if tt.want == "" {
						require.NoError(t, err)
						assert.True(t, res.ReplyValid)
						return
					}
					requireRefusal(t, &Error{Stage: "read " + hears[half][1], Detail: tt.want, Value: [keySize]byte(key)}, res, err)
					assert.Equal(t, opened[half], s.received, "bytes that we sent")
				})
			}
		}
	}
}
