package handshake

import (
	"crypto/rc4"
	"fmt"
)

// Encryption is a type of RTMPE, as C0 and S0 name it. The types differ only in how C2 and S2 are signed; the bytes that
// follow the handshake are enciphered with RC4 in all of them.
//
// RTMPE protects a session from eavesdroppers only. It does not authenticate the peer: its keys are either public or negotiated
// with whichever peer answers.
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

// encryptionOf returns the type of encryption that a C0 or S0 names.
func encryptionOf(first byte) Encryption {
	switch e := Encryption(first); e {
	case EncryptionPlain, EncryptionXTEA, EncryptionBlowfish:
		return e
	}
	return EncryptionNone
}

// first returns the C0 or S0 that stands for e.
func (e Encryption) first() byte {
	if e == EncryptionNone {
		return typePlain
	}
	return byte(e)
}

// check returns an error if e is not one of the constants.
func (e Encryption) check() error {
	if e != EncryptionNone && encryptionOf(byte(e)) == EncryptionNone {
		return &Error{Stage: "config", Detail: fmt.Sprintf("unknown encryption type %d", uint8(e)), Value: e}
	}
	return nil
}

// Each direction of a session has an RC4 key derived from the shared secret. The session skips the first 1536 bytes of the key stream, the
// size of a packet of the handshake.
const (
	sessionKeySize = 16
	skippedBytes   = packetSize
)

// newCipher returns the cipher for the bytes that are sent to the owner of publicKey. Its position is that of the session's first byte.
// newCipher fails in a program that is restricted to FIPS 140, which forbids RC4.
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

// needDigest returns an error if the peer's first packet has no digest, without which the position of the public key is unknown.
func (res *Result) needDigest(what string) error {
	if res.Encryption == EncryptionNone || res.Digest {
		return nil
	}
	return &Error{Stage: "read " + what, Detail: "no valid digest, which RTMPE needs", Value: res.PeerVersion}
}
