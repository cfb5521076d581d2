package handshake

import (
	"crypto/rc4"
	"fmt"
)

// Encryption is a type of RTMPE, as C0 and S0 name it. The types differ only in how C2 and S2 are signed; what follows the
// handshake is always enciphered with RC4.
//
// RTMPE protects a session from eavesdroppers only. It does not authenticate the peer.
type Encryption uint8

const (
	// EncryptionNone is an unencrypted connection.
	EncryptionNone Encryption = 0
	// EncryptionPlain signs as the digest form does. All players ask for it, and all RTMPE servers accept it.
	EncryptionPlain Encryption = 6
	// EncryptionXTEA enciphers the signatures with XTEA.
	EncryptionXTEA Encryption = 8
	// EncryptionBlowfish enciphers the signatures with Blowfish.
	EncryptionBlowfish Encryption = 9
)

// String returns the name of the type for logs.
func (e Encryption) String() string {
	switch e {
	case EncryptionNone:
		return "none"
	case EncryptionPlain, EncryptionXTEA, EncryptionBlowfish:
		return fmt.Sprintf("RTMPE type %d", uint8(e))
	}
	return "unknown"
}

func encryptionOf(first byte) Encryption {
	switch e := Encryption(first); e {
	case EncryptionPlain, EncryptionXTEA, EncryptionBlowfish:
		return e
	}
	return EncryptionNone
}

func (e Encryption) typeByte() byte {
	if e == EncryptionNone {
		return typePlain
	}
	return byte(e)
}

func (e Encryption) check() error {
	if e != EncryptionNone && encryptionOf(byte(e)) == EncryptionNone {
		return &Error{Stage: "config", Detail: fmt.Sprintf("unknown encryption type %d", uint8(e)), Value: e}
	}
	return nil
}

// Each direction of a session has an RC4 key derived from the shared secret. The session skips the first 1536 bytes of the key
// stream.
const (
	sessionKeySize = 16
	skippedBytes   = packetSize
)

// newCipher returns the cipher for the bytes sent to the owner of publicKey, positioned at the session's first byte. It fails
// in a program that is restricted to FIPS 140, which forbids RC4.
func newCipher(secret, publicKey [keySize]byte) (*rc4.Cipher, error) {
	key := hmacSHA256(secret[:], publicKey[:])
	c, err := rc4.NewCipher(key[:sessionKeySize])
	if err != nil {
		return nil, &Error{Stage: "session ciphers", Err: err}
	}
	var skipped [skippedBytes]byte
	c.XORKeyStream(skipped[:], skipped[:])
	return c, nil
}

// needDigest returns an error if the peer's first packet has no digest, without which the public key can't be found.
func (res *Result) needDigest(what string) error {
	if res.Encryption == EncryptionNone || res.Digest {
		return nil
	}
	return &Error{Stage: "read " + what, Detail: "no valid digest, which RTMPE needs", Value: res.PeerVersion}
}
