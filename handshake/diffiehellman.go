package handshake

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
)

const (
	// keySize is the size in bytes of public keys and of the shared secret, leading zeros included.
	keySize = 128
	// privateSize is the number of random bytes in a private key: a 1024-bit group gives at most half that strength.
	privateSize = 32
)

// The group of RTMPE is the Second Oakley Group (RFC 2409, section 6.2).
var (
	groupPrime, _ = new(big.Int).SetString(""+
		"ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74"+
		"020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437"+
		"4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"+
		"ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff", 16)
	groupGenerator = big.NewInt(2)

	one         = big.NewInt(1)
	primeMinus1 = new(big.Int).Sub(groupPrime, one)
)

// keyPair is one side's half of a Diffie-Hellman key exchange. It is used for one connection only, so the variable running time
// of math/big does not matter.
type keyPair struct {
	private *big.Int
	public  [keySize]byte // big-endian, as in C1 or S1
}

func newKeyPair(cfg Config) (*keyPair, error) {
	// A leading one bit makes all private keys equally long, and none of them trivial.
	b := make([]byte, 1+privateSize)
	b[0] = 1
	if err := fillRandom(cfg, rand.Reader, b[1:]); err != nil {
		return nil, err
	}
	k := &keyPair{private: new(big.Int).SetBytes(b)}
	new(big.Int).Exp(groupGenerator, k.private, groupPrime).FillBytes(k.public[:])
	return k, nil
}

// secret computes the shared secret, big-endian. It refuses 0, 1 and p-1, for which anyone can compute the secret, and numbers
// that are not less than p.
func (k *keyPair) secret(peer [keySize]byte) (s [keySize]byte, err error) {
	y := new(big.Int).SetBytes(peer[:])
	if y.Cmp(one) <= 0 {
		return s, fmt.Errorf("public key is %d", y)
	}
	switch y.Cmp(primeMinus1) {
	case 0:
		return s, errors.New("public key is p-1")
	case 1:
		return s, errors.New("public key is p or greater")
	}
	y.Exp(y, k.private, groupPrime).FillBytes(s[:])
	return s, nil
}
