package handshake

import (
	"crypto/cipher"
	"crypto/hmac"
	"encoding/binary"

	//lint:ignore SA1019 RTMPE fixes the cipher; it hides a signature, on which nothing secret depends
	"golang.org/x/crypto/blowfish"
	//lint:ignore SA1019 RTMPE fixes the cipher here as well
	"golang.org/x/crypto/xtea"
)

// signature is the end of a C2 or S2 in the digest form.
type signature [digestSize]byte

func (p *packet) signature() signature { return signature(p[packetSize-digestSize:]) }

// replySignature returns the signature of a C2 or S2 that answers a first packet with the given digest.
func (r role) replySignature(reply *packet, peerDigest [digestSize]byte, e Encryption) signature {
	key := hmacSHA256(r.replyKey, peerDigest[:])
	sig := signature(hmacSHA256(key[:], reply[:packetSize-digestSize]))
	e.encipher(&sig, key)
	return sig
}

func (r role) newReply(cfg Config, peerDigest [digestSize]byte, e Encryption) (*packet, error) {
	p := new(packet)
	if err := fillRandom(cfg, arbitrary{}, p[:packetSize-digestSize]); err != nil {
		return nil, err
	}
	sig := r.replySignature(p, peerDigest, e)
	copy(p[packetSize-digestSize:], sig[:])
	return p, nil
}

func (r role) verifyReply(reply *packet, ourDigest [digestSize]byte, e Encryption) bool {
	want, got := r.replySignature(reply, ourDigest, e), reply.signature()
	return hmac.Equal(want[:], got[:])
}

// encipher enciphers a signature as the encryption type requires. EncryptionPlain changes nothing. The other types encipher each 8 bytes with
// one of the keys below, which a byte of the HMAC key selects.
func (e Encryption) encipher(sig *signature, key [digestSize]byte) {
	for at := 0; at < len(sig); at += 8 {
		var block cipher.Block // The constructors fail only for keys of other sizes.
		switch n := key[at] % signatureKeys; e {
		case EncryptionXTEA:
			block, _ = xtea.NewCipher(bigEndian(xteaKeys[n][:]))
		case EncryptionBlowfish:
			block, _ = blowfish.NewCipher(bigEndian(blowfishKeys[n][:]))
		default:
			return
		}
		encryptLittleEndian(block, sig[at:at+8])
	}
}

// encryptLittleEndian enciphers two little-endian words; block expects big-endian ones.
func encryptLittleEndian(block cipher.Block, b []byte) {
	swap := func() {
		for word := b; len(word) > 0; word = word[4:] {
			binary.BigEndian.PutUint32(word, binary.LittleEndian.Uint32(word))
		}
	}
	swap()
	block.Encrypt(b, b)
	swap()
}

func bigEndian(words []uint32) []byte {
	var b []byte
	for _, w := range words {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

// These keys are published constants. Other implementations have a sixteenth key, which is never selected.
const signatureKeys = 15

var xteaKeys = [signatureKeys][4]uint32{
	{0xbff034b2, 0x11d9081f, 0xccdfb795, 0x748de732},
	{0x086a5eb6, 0x1743090e, 0x6ef05ab8, 0xfe5a39e2},
	{0x7b10956f, 0x76ce0521, 0x2388a73a, 0x440149a1},
	{0xa943f317, 0xebf11bb2, 0xa691a5ee, 0x17f36339},
	{0x7a30e00a, 0xb529e22c, 0xa087aea5, 0xc0cb79ac},
	{0xbdce0c23, 0x2febdeff, 0x1cfaae16, 0x1123239d},
	{0x55dd3f7b, 0x77e7e62e, 0x9bb8c499, 0xc9481ee4},
	{0x407bb6b4, 0x71e89136, 0xa7aebf55, 0xca33b839},
	{0xfcf6bdc3, 0xb63c3697, 0x7ce4f825, 0x04d959b2},
	{0x28e091fd, 0x41954c4c, 0x7fb7db00, 0xe3a066f8},
	{0x57845b76, 0x4f251b03, 0x46d45bcd, 0xa2c30d29},
	{0x0acceef8, 0xda55b546, 0x03473452, 0x5863713b},
	{0xb82075dc, 0xa75f1fee, 0xd84268e8, 0xa72a44cc},
	{0x07cf6e9e, 0xa16d7b25, 0x9fa7ae6c, 0xd92f5629},
	{0xfeb1eae4, 0x8c8c3ce1, 0x4e0064a7, 0x6a387c2a},
}

var blowfishKeys = [signatureKeys][6]uint32{
	{0x7934774c, 0x67d1383a, 0xdfb356be, 0x8b7bd024, 0x38e07358, 0x415d6967},
	{0x46f6b4cc, 0x0193e3a1, 0x9e7d3c65, 0x5586fd09, 0x8ff7b3c4, 0x6f41ca5c},
	{0x1ae7e2f3, 0xf9147994, 0xc0d39743, 0x087bb384, 0x432f9d84, 0x3f21019b},
	{0xd3e354b0, 0xf71df62b, 0x5a434d04, 0x83643e0d, 0x592f61cb, 0xb16a590d},
	{0xc8c1e9b8, 0x16569921, 0x7b5b36b7, 0xb59bdf06, 0x492c97f5, 0x9548857e},
	{0xebe5e62e, 0xa4bad42c, 0xf216e08f, 0x6623a943, 0x41ce3814, 0x84950053},
	{0x66db90f0, 0x3b4ff56f, 0xe49c2089, 0x355ed2b2, 0xc39e9f7f, 0x63b22881},
	{0xbb20aced, 0x2a046a19, 0x94989bc8, 0xffcd93ef, 0xc60d56a7, 0xeb13d930},
	{0xbcf24382, 0x09408a87, 0x25436de6, 0xbba4b944, 0x583f217c, 0x99bb3f24},
	{0xec1aaacd, 0xcebd5311, 0xd2fb83b6, 0xc3baab4f, 0x6279e865, 0xa9922876},
	{0xc60c3003, 0x91182d7b, 0x79dae1d5, 0x64779a12, 0xc5b1d791, 0x4f964ca3},
	{0xd77c2abf, 0xa6e7857c, 0x45adff12, 0x94d8dea4, 0x5c3d79a4, 0x44025d22},
	{0x16190d81, 0x6a4cc7f8, 0xb8f94ecd, 0x2c9e9084, 0xb2082560, 0xe11eae18},
	{0xe97c5826, 0x1b519e49, 0x826061fc, 0xa0a01bcd, 0xf505d6a6, 0x6d0788a3},
	{0x2b97118b, 0xd94ed9df, 0x20e39c10, 0xe6a13521, 0x11f9130d, 0x0b2465b2},
}
