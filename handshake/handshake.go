// Package handshake performs the exchange that opens every RTMP connection, as client or as server.
//
// Each side sends three packets; the chunk stream follows directly after the last one:
//
//	client                                  server
//	  C0 (1 byte: 3)  C1 (1536 bytes)  ---->
//	                                   <----  S0 (1 byte: 3)  S1 (1536)  S2 (1536)
//	  C2 (1536)                        ---->
//
// There are two forms. In the plain form (RTMP 1.0, section 5.2) C1 and S1 are a timestamp and random bytes, and C2 and S2
// repeat what the peer sent. In the digest form (Flash Player 9.0.115 and later) C1 and S1 carry an HMAC at a position that
// depends on their other bytes, and C2 and S2 are signed with a key made from it. The keys are public, so a digest proves
// nothing about a peer; but servers that ask for SWF verification insist on this form.
//
// RTMPE is the digest form with a Diffie-Hellman key exchange inside C1 and S1. The handshake itself is in the clear; all bytes
// after it are enciphered by the caller, with the two ciphers that the [Result] then has. See [Encryption].
//
// Both halves do their input and output through an [io.ReadWriter], take exactly the bytes of the handshake from it, and
// leave deadlines to the caller.
package handshake

import (
	"bytes"
	"crypto/rand"
	"crypto/rc4"
	"encoding/binary"
	"io"
)

// packetSize is the size in bytes of C1, C2, S1 and S2.
const packetSize = 1536

// typePlain is the C0 and S0 of an unencrypted connection, with or without digests (RTMP 1.0, section 5.2.2). The others
// that are in use are the types of [Encryption].
const typePlain = 3

// Config selects the form of the handshake. Its zero value is a client that handshakes plainly and a server that answers
// every client in the client's own form.
type Config struct {
	// Digest makes the client send a digest C1. A server that does not answer with a digest gets a plain C2 all the same.
	// A Server ignores it.
	Digest bool

	// PlainOnly makes the server answer every client plainly, as servers before Flash Media Server 3 do, and refuse those
	// that want encryption. A Client ignores it.
	PlainOnly bool

	// Encryption makes the client insist on an encrypted connection, and the server accept one from a client that asks for
	// it; others are served unencrypted. The client asks for this type, normally EncryptionPlain, but takes whichever the
	// server chooses. The server always chooses this type. Digest is then implied.
	Encryption Encryption

	// Scheme is where the digest of our own first packet lies. SchemeAuto: the client uses SchemeDigestFirst on
	// unencrypted connections and SchemeKeyFirst on others, as all players do, and the server the scheme that the client used.
	Scheme Scheme

	// Version is the word after the timestamp of our own first packet. Zero: with a digest what librtmp (0a 00 2d 02, or
	// 80 00 03 02 for encryption) and Flash Media Server (03 05 01 01) send, without one four zeros. A peer takes a word
	// other than zero to announce a digest.
	Version [4]byte

	// Data is what the client sends after the handshake, in the clear. Client enciphers it where that is agreed on, and has
	// sent all of it when it returns without an error. A Server ignores it.
	Data []byte
	// Early says when Data leaves.
	Early Early

	// Time is the timestamp of our own first packet, in milliseconds of any epoch. Zero is as good as any.
	Time uint32

	// Rand is where the random bytes come from, those of private keys included. Nil: crypto/rand.
	Rand io.Reader
}

// Result is what a handshake has found out about the peer.
type Result struct {
	// PeerType is the peer's C0 or S0: 3, a type of encryption, or another value that is harmless. See [Client] and [Server].
	PeerType byte

	// Encryption is the type of encryption that the server chose, EncryptionNone if the connection is unencrypted.
	Encryption Encryption

	// In and Out are the ciphers for what is read and written from now on, both nil if the connection is unencrypted. Each
	// byte must pass through its cipher once and in order, as [crypto/cipher.StreamReader] and StreamWriter see to. They
	// belong to the caller and do not share anything, so one goroutine may read while another writes.
	In, Out *rc4.Cipher

	// PeerVersion is the word after the timestamp of the peer's first packet. Zero in most plain handshakes.
	PeerVersion [4]byte

	// Digest tells that both first packets were signed.
	Digest bool

	// Scheme is where the peer's digest lay, SchemeAuto if there was none.
	Scheme Scheme

	// ReplyValid tells that the peer's second packet was right: signed with the proper key in the digest form, an echo of
	// our first packet in the plain form. Many peers do neither, so this is for logs, not for decisions. It is always true
	// on an encrypted connection: there a wrong packet is an error.
	ReplyValid bool

	// S1Tail is the last 32 bytes of S1: the key for the answer to SWF verification.
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

// newPacket returns a first packet that still lacks its digest.
func newPacket(cfg Config, version [4]byte) (*packet, error) {
	p := new(packet)
	if err := fillRandom(cfg, p[8:]); err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint32(p[:4], cfg.Time)
	copy(p[4:8], version[:])
	return p, nil
}

func (p *packet) version() [4]byte { return [4]byte(p[4:8]) }

func (p *packet) tail() [32]byte { return [32]byte(p[packetSize-32:]) }

// echoes tells whether p repeats first as the plain form asks. Bytes 4 to 7 are the peer's clock, or a copy too.
func (p *packet) echoes(first *packet) bool {
	return bytes.Equal(p[:4], first[:4]) && bytes.Equal(p[8:], first[8:])
}

func fillRandom(cfg Config, b []byte) error {
	src := cfg.Rand
	if src == nil {
		src = rand.Reader
	}
	if _, err := io.ReadFull(src, b); err != nil {
		return &Error{Stage: "random bytes", Err: noEOF(err)}
	}
	return nil
}

// versionOr returns cfg.Version, or def if that is unset.
func (cfg Config) versionOr(def [4]byte) [4]byte {
	if cfg.Version != [4]byte{} {
		return cfg.Version
	}
	return def
}
