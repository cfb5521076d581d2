// Package handshake performs the exchange that opens every RTMP connection, as client or as server.
//
// Each side sends three packets; the chunk stream follows directly after the last one:
//
//	client                                  server
//	  C0 (1 byte: 3)  C1 (1536 bytes)  ---->
//	                                   <----  S0 (1 byte: 3)  S1 (1536)  S2 (1536)
//	  C2 (1536)                        ---->
//
// There are two forms. In the plain form (RTMP 1.0, section 5.2) C1 and S1 are a timestamp and random bytes, and C2 and S2 echo
// what the peer sent. In the digest form (Flash Player 9.0.115 and later) C1 and S1 contain an HMAC at a position that depends
// on their other bytes, and C2 and S2 are signed with a key derived from it. The keys are public, so a digest proves nothing,
// but servers that ask for SWF verification insist on it.
//
// RTMPE is the digest form with a Diffie-Hellman key exchange inside C1 and S1. The caller encrypts and decrypts all bytes
// after the handshake with the two ciphers in the [Result]. See [Encryption].
//
// Both halves use an [io.ReadWriter], read exactly the bytes of the handshake from it, and leave deadlines to the caller.
package handshake

import (
	"bytes"
	"crypto/rc4"
	"encoding/binary"
	"io"
	"math/rand/v2"
)

const packetSize = 1536

// typePlain is the C0 and S0 of an unencrypted connection (RTMP 1.0, section 5.2.2). Encrypted ones have a type of
// [Encryption].
const typePlain = 3

// Config selects the form of the handshake. The zero value is a plain client, and a server that answers every client in the
// client's own form.
type Config struct {
	// Digest makes the client send a digest C1. If the server answers without a digest, the client sends a plain C2.
	// Server ignores this field.
	Digest bool

	// PlainOnly makes the server answer every client plainly, and refuse clients that want encryption. Client ignores this
	// field.
	PlainOnly bool

	// Encryption, if it is not EncryptionNone, implies Digest. A client asks for this type, normally EncryptionPlain, accepts
	// whatever type the server chooses, and insists on an encrypted connection. A server accepts clients that ask for
	// encryption, with this type, and serves other clients unencrypted.
	Encryption Encryption

	// Scheme says where to put the digest of our first packet. SchemeAuto means, as in all players, SchemeDigestFirst on a
	// client's unencrypted connections and SchemeKeyFirst on its encrypted ones. A server then uses the client's scheme.
	Scheme Scheme

	// Version is the word after the timestamp of our first packet. Zero means, with a digest, the version that librtmp
	// (0a 00 2d 02, or 80 00 03 02 with encryption) or Flash Media Server (03 05 01 01) sends, and four zeros without one. To peers, a word
	// other than zero announces a digest.
	Version [4]byte

	// Data is what the client sends after the handshake, in the clear: Client enciphers it on an encrypted connection. It has
	// been sent when Client returns without an error. The caller keeps the slice. Server ignores this field.
	Data []byte
	// Early says when Data is sent. Zero is EarlyNone.
	Early Early

	// Time is the timestamp of our first packet, in milliseconds since any epoch. Zero is a valid time.
	Time uint32

	// Rand is the source of random bytes, private keys included. Nil means crypto/rand for private keys and math/rand/v2 for the others,
	// which may be predictable (RTMP 1.0, section 5.2.3).
	Rand io.Reader
}

// Result is the result of a handshake.
type Result struct {
	// PeerType is the peer's C0 or S0: 3 for an unencrypted connection, 6, 8 or 9 for a type of [Encryption], or any other value that
	// [Client] and [Server] tolerate.
	PeerType byte

	// Encryption is the type that the server chose, EncryptionNone if the connection is unencrypted.
	Encryption Encryption

	// In and Out are the ciphers for the bytes read and written after the handshake, nil if the connection is unencrypted. Each
	// byte must pass through its cipher once and in order; [crypto/cipher.StreamReader] and StreamWriter do that. They share
	// nothing, so one goroutine may read while another writes.
	In, Out *rc4.Cipher

	// PeerVersion is the word after the timestamp of the peer's first packet. It is zero in most plain handshakes.
	PeerVersion [4]byte

	// Digest reports whether both first packets were signed.
	Digest bool

	// Scheme is the scheme of the peer's digest, or SchemeAuto if it sent none.
	Scheme Scheme

	// ReplyValid reports whether the peer's second packet was correct: signed with the proper key in the digest form, an echo
	// of our first packet in the plain form. Many peers send neither. On an encrypted connection it is always true, since a
	// wrong packet is an error.
	ReplyValid bool

	// S1Tail is the last 32 bytes of S1, the key for the answer to SWF verification.
	S1Tail [32]byte
}

// packet is C1, S1, C2 or S2.
//
//	      0             4             8                                            1536
//	      +-------------+-------------+--------------------------------------------+
//	C1 S1 | time, ms    | version     | random bytes; digest; for RTMPE public key  |
//	      +-------------+-------------+--------------------------------------------+
//	C2 S2 | peer's time | when read   | peer's random bytes                         |  plain form
//	      +-------------+-------------+------------------------------+-------------+
//	C2 S2 | 1504 random bytes                                        | signature   |  digest form
//	      +----------------------------------------------------------+-------------+
type packet [packetSize]byte

func newPacket(cfg Config, version [4]byte) (*packet, error) {
	p := new(packet)
	if err := fillRandom(cfg, arbitrary{}, p[8:]); err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint32(p[:4], cfg.Time)
	copy(p[4:8], version[:])
	return p, nil
}

func (p *packet) version() [4]byte { return [4]byte(p[4:8]) }

func (p *packet) tail() [32]byte { return [32]byte(p[packetSize-32:]) }

// echoes reports whether p repeats first. Bytes 4 to 7 may be the peer's clock or a copy.
func (p *packet) echoes(first *packet) bool {
	return bytes.Equal(p[:4], first[:4]) && bytes.Equal(p[8:], first[8:])
}

// fillRandom fills b from Config.Rand, or from src if Config.Rand is nil.
func fillRandom(cfg Config, src io.Reader, b []byte) error {
	if cfg.Rand != nil {
		src = cfg.Rand
	}
	if _, err := io.ReadFull(src, b); err != nil {
		return &Error{Stage: "random bytes", Err: noEOF(err)}
	}
	return nil
}

// arbitrary is the source of random bytes that are not secret. It costs less than crypto/rand, which calls the system.
type arbitrary struct{}

func (arbitrary) Read(b []byte) (int, error) {
	rest := b
	for ; len(rest) >= 8; rest = rest[8:] {
		binary.NativeEndian.PutUint64(rest, rand.Uint64())
	}
	for i := range rest {
		rest[i] = byte(rand.Uint32())
	}
	return len(b), nil
}

func (cfg Config) versionOr(def [4]byte) [4]byte {
	if cfg.Version != [4]byte{} {
		return cfg.Version
	}
	return def
}
