package handshake

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rc4"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"

	//lint:ignore SA1019 RTMPE fixes the cipher
	"golang.org/x/crypto/blowfish"
)

// independentPeer is the peer of a client or server under test on an encrypted connection. It is an independent implementation, and so finds
// mistakes that our client and server share. It has only constants in common with them, which vectors check.
//
// It has no goroutine: each Write of the client or server under test appends everything that the independentPeer can then send.
type independentPeer struct {
	first       byte     // C0 or S0
	digestFirst bool     // whether its digest precedes its key
	private     *big.Int // its private key; nil for a small one
	public      []byte   // 128 bytes that it sends in place of 2^private, unless nil
	unsigned    bool     // its first packet has no digest
	silent      bool     // its version word is zero, which announces no digest
	signAs      byte     // the type that its second packet is signed for, 0 for that of S0
	signName    string   // the name in the key that signs its second packet, empty for its own
	spoilAt     int      // offset of a byte to damage in its second packet
	spoil       byte     // the bits of that byte to flip; 0 for none

	name, peerName string // names in the keys of HMACs
	packet, digest []byte // its first packet, and the digest in it
	second         []byte // its second packet
	said           bytes.Buffer
	received       int // bytes
	in, out        *rc4.Cipher
	theirKey       []byte
	secret         []byte
	complaint      error // what was wrong with its peer's packets
}

var independentVersion = [4]byte{0x80, 0, 7, 2}

const (
	playerName = "Genuine Adobe Flash Player 001"
	serverName = "Genuine Adobe Flash Media Server 001"
	greeting   = "the first bytes of the session"
)

// facing prepares s as the peer of a client or server. A client has then sent C0 and C1.
func (s independentPeer) facing(half string) *independentPeer {
	s.name, s.peerName = serverName, playerName
	if half == "server" {
		s.name, s.peerName = playerName, serverName
	}
	if s.private == nil {
		s.private = big.NewInt(123456789)
	}
	if s.public == nil {
		s.public = new(big.Int).Exp(groupGenerator, s.private, groupPrime).FillBytes(make([]byte, 128))
	}
	s.open()
	if half == "server" {
		s.say([]byte{s.first}, s.packet)
	}
	return &s
}

func (s *independentPeer) Read(p []byte) (int, error) { return s.said.Read(p) }

// Write receives packets, which it tells apart by their total size.
func (s *independentPeer) Write(b []byte) (int, error) {
	s.received += len(b)
	switch len(b) {
	case 1 + 1536: // C0 and C1
		s.say([]byte{s.first}, s.packet)
		s.reply(b[1:], s.first)
	case 1536: // C2
		s.judge(b, s.first)
	case 1 + 2*1536: // S0, S1 and S2
		s.reply(b[1:1+1536], b[0])
		s.judge(b[1+1536:], b[0])
	default:
		return 0, fmt.Errorf("nothing has %d bytes", len(b))
	}
	return len(b), nil
}

func (s *independentPeer) say(parts ...[]byte) {
	for _, p := range parts {
		s.said.Write(p)
	}
}

func (s *independentPeer) open() {
	s.packet = make([]byte, 1536)
	io.ReadFull(testRand(99), s.packet[8:])
	if !s.silent {
		copy(s.packet[4:], independentVersion[:])
	}
	digestAt, keyAt := positions(s.packet, s.digestFirst)
	copy(s.packet[keyAt:], s.public)
	s.digest = mac(s.name, s.packet[:digestAt], s.packet[digestAt+32:])
	if !s.unsigned {
		copy(s.packet[digestAt:], s.digest)
	}
}

// reply answers a first packet and creates the ciphers.
func (s *independentPeer) reply(theirs []byte, typ byte) {
	for _, digestFirst := range []bool{false, true} {
		digestAt, keyAt := positions(theirs, digestFirst)
		digest := mac(s.peerName, theirs[:digestAt], theirs[digestAt+32:])
		if !bytes.Equal(digest, theirs[digestAt:digestAt+32]) {
			continue
		}
		s.theirKey = bytes.Clone(theirs[keyAt : keyAt+128])
		y := new(big.Int).SetBytes(s.theirKey)
		s.secret = y.Exp(y, s.private, groupPrime).FillBytes(make([]byte, 128))
		s.in, s.out = sessionCipher(s.secret, s.public), sessionCipher(s.secret, s.theirKey)

		s.second = make([]byte, 1536)
		io.ReadFull(testRand(98), s.second[:1504])
		copy(s.second[1504:], signatureOf(cmp.Or(s.signName, s.name), digest, s.second[:1504], cmp.Or(s.signAs, typ)))
		s.second[s.spoilAt] ^= s.spoil
		s.say(s.second)
		return
	}
	s.complaint = errors.Join(s.complaint, errors.New("no digest in a first packet"))
}

// judge checks the peer's second packet, the answer to s's first one. If the connection is encrypted, judge then sends the greeting, the
// first bytes of the session.
func (s *independentPeer) judge(second []byte, typ byte) {
	if !bytes.Equal(second[1504:], signatureOf(s.peerName, s.digest, second[:1504], typ)) {
		s.complaint = errors.Join(s.complaint, errors.New("wrong signature in a second packet"))
	}
	if s.out != nil {
		b := []byte(greeting)
		s.out.XORKeyStream(b, b)
		s.say(b)
	}
}

// positions returns the offsets of the digest and the key in a first packet.
func positions(p []byte, digestFirst bool) (digest, key int) {
	sum := func(b []byte) int { return int(b[0]) + int(b[1]) + int(b[2]) + int(b[3]) }
	if digestFirst {
		return 12 + sum(p[8:12])%728, 772 + sum(p[1532:1536])%632
	}
	return 776 + sum(p[772:776])%728, 8 + sum(p[768:772])%632
}

func mac(key string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, []byte(key))
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func sessionCipher(secret, publicKey []byte) *rc4.Cipher {
	c, err := rc4.NewCipher(mac(string(secret), publicKey)[:16])
	if err != nil {
		panic(err)
	}
	var skipped [1536]byte
	c.XORKeyStream(skipped[:], skipped[:])
	return c
}

func signatureOf(name string, digest, body []byte, typ byte) []byte {
	key := mac(name+keyTail, digest)
	sig := mac(string(key), body)
	for at := 0; at < 32; at += 8 {
		switch b := sig[at : at+8]; typ {
		case 8:
			xteaEncipher(b, xteaKeys[key[at]%15])
		case 9:
			blowfishEncipher(b, blowfishKeys[key[at]%15])
		}
	}
	return sig
}

// xteaEncipher is XTEA on two little-endian words.
func xteaEncipher(b []byte, key [4]uint32) {
	v0, v1, sum := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), uint32(0)
	for range 32 {
		v0 += ((v1<<4 ^ v1>>5) + v1) ^ (sum + key[sum&3])
		sum += 0x9e3779b9
		v1 += ((v0<<4 ^ v0>>5) + v0) ^ (sum + key[sum>>11&3])
	}
	binary.LittleEndian.PutUint32(b, v0)
	binary.LittleEndian.PutUint32(b[4:], v1)
}

// blowfishEncipher is Blowfish on two little-endian words, with the words of the key in big-endian order.
func blowfishEncipher(b []byte, key [6]uint32) {
	var octets []byte
	for _, word := range key {
		octets = append(octets, byte(word>>24), byte(word>>16), byte(word>>8), byte(word))
	}
	c, err := blowfish.NewCipher(octets)
	if err != nil {
		panic(err)
	}
	swapped := []byte{b[3], b[2], b[1], b[0], b[7], b[6], b[5], b[4]}
	c.Encrypt(swapped, swapped)
	for i := range b {
		b[i] = swapped[i^3]
	}
}
