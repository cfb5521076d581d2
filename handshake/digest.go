package handshake

import (
	"crypto/hmac"
	"crypto/sha256"
)

// Scheme says which of the two 764-byte halves after the first 8 bytes of C1 and S1 holds the digest. The other half holds the
// public key of an encrypted handshake.
type Scheme uint8

const (
	// SchemeAuto leaves the choice to Client or Server; see [Config] and [Result].
	SchemeAuto Scheme = iota
	// SchemeDigestFirst has the digest in the first half. Players use it on unencrypted connections.
	SchemeDigestFirst
	// SchemeKeyFirst has the digest in the second half. Players use it for RTMPE.
	SchemeKeyFirst
)

// String returns the name of the scheme for logs.
func (s Scheme) String() string {
	switch s {
	case SchemeAuto:
		return "auto"
	case SchemeDigestFirst:
		return "digest first"
	case SchemeKeyFirst:
		return "key first"
	}
	return "unknown"
}

// or returns s, or def if s is SchemeAuto.
func (s Scheme) or(def Scheme) Scheme {
	if s == SchemeDigestFirst || s == SchemeKeyFirst {
		return s
	}
	return def
}

func (s Scheme) other() Scheme {
	if s == SchemeKeyFirst {
		return SchemeDigestFirst
	}
	return SchemeKeyFirst
}

const digestSize = sha256.Size

// field is a part of C1 or S1 whose offset depends on four other bytes of the packet, the selector.
type field struct {
	selector int // offset of the selector
	start    int // the field's lowest offset
	span     int // number of possible offsets
}

func (f field) in(p *packet) int {
	b := p[f.selector:]
	return f.start + (int(b[0])+int(b[1])+int(b[2])+int(b[3]))%f.span
}

// A digest's selector lies before the range of its positions, a key's after it:
//
//	              8       12                768     772     776              1532    1536
//	              +-------+---------------------------+-----------------------+-------+
//	digest first  | sel D | digest somewhere in here  | key somewhere in here | sel K |
//	              +-------+-----------------+-------+-+-----+-----------------+-------+
//	key first     | key somewhere in here   | sel K | sel D | digest somewhere in here |
//	              +-------------------------+-------+-------+-------------------------+
var (
	digestFields = [...]field{
		SchemeDigestFirst: {selector: 8, start: 12, span: 728},
		SchemeKeyFirst:    {selector: 772, start: 776, span: 728},
	}
	keyFields = [...]field{
		SchemeDigestFirst: {selector: 1532, start: 772, span: 632},
		SchemeKeyFirst:    {selector: 768, start: 8, span: 632},
	}
)

// role holds the keys of one side, which are published constants.
type role struct {
	digestKey []byte // makes the digest in C1 or S1
	replyKey  []byte // makes, from the peer's digest, the key that signs C2 or S2
}

const keyTail = "\xf0\xee\xc2\x4a\x80\x68\xbe\xe8\x2e\x00\xd0\xd1\x02\x9e\x7e\x57" +
	"\x6e\xec\x5d\x2d\x29\x80\x6f\xab\x93\xb8\xe6\x36\xcf\xeb\x31\xae"

var (
	player = role{
		digestKey: []byte("Genuine Adobe Flash Player 001"),
		replyKey:  []byte("Genuine Adobe Flash Player 001" + keyTail),
	}
	mediaServer = role{
		digestKey: []byte("Genuine Adobe Flash Media Server 001"),
		replyKey:  []byte("Genuine Adobe Flash Media Server 001" + keyTail),
	}
)

func hmacSHA256(key []byte, parts ...[]byte) [digestSize]byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return [digestSize]byte(h.Sum(nil))
}

// digest computes the digest for offset at of p, over all other bytes of the packet.
func (r role) digest(p *packet, at int) [digestSize]byte {
	return hmacSHA256(r.digestKey, p[:at], p[at+digestSize:])
}

// sign writes the digest into p, whose other bytes must be complete, and returns it.
func (r role) sign(p *packet, s Scheme) [digestSize]byte {
	at := digestFields[s].in(p)
	d := r.digest(p, at)
	copy(p[at:], d[:])
	return d
}

// find looks for a valid digest in p, in scheme first and then in the other scheme. The returned scheme is SchemeAuto if there
// is none.
func (r role) find(p *packet, first Scheme) (Scheme, [digestSize]byte) {
	for _, s := range []Scheme{first, first.other()} {
		at := digestFields[s].in(p)
		want := r.digest(p, at)
		if hmac.Equal(want[:], p[at:at+digestSize]) {
			return s, want
		}
	}
	return SchemeAuto, [digestSize]byte{}
}
