package auth

import (
	"encoding/binary"
	"encoding/hex"
)

// maxToken is the length of the longest challenge in bytes. An AMF0 string can't be longer.
const maxToken = 1<<16 - 1

// SecureToken returns the response to the challenge of a Wowza server, the string secureToken in connect's _result. The challenge consists
// of bytes that are encrypted with a key (with XXTEA, the corrected Block TEA) and written in hex. The response, which the client sends
// with the call secureTokenResponse, consists of the decrypted bytes.
//
// SecureToken does what librtmp does, even for malformed challenges. It uses the first 16 bytes of the key. A character that is not a hex
// digit has the value of its low four bits, plus nine if bit 6 is set. The response has half as many bytes as the challenge has digits,
// rounded down. If the last word has fewer than eight digits, the missing digits are 0, whereas librtmp reads beyond the string. The error
// is an *Error if the challenge is empty or longer than 65535 bytes.
func SecureToken(key, challenge string) (string, error) {
	switch {
	case challenge == "":
		return "", &Error{Detail: "secureToken: empty challenge"}
	case len(challenge) > maxToken:
		return "", &Error{Detail: "secureToken: challenge over 65535 bytes", Value: clip(challenge)}
	}
	words := make([]uint32, (len(challenge)+7)/8)
	for i := 0; i < len(challenge); i += 2 {
		// A digit value above 15 also changes the digit and the byte before it, as in librtmp.
		words[i/8] |= (digit(challenge, i)<<4 + digit(challenge, i+1)) << (i % 8 * 4)
	}
	decrypt(words, tokenKey(key))
	return string(appendWords(nil, words)[:len(challenge)/2]), nil
}

// SecureTokenChallenge is the server's side: it returns the challenge for which [SecureToken] returns plain. Zeros are added to plain if its
// length is less than eight bytes or not a multiple of four bytes.
func SecureTokenChallenge(key, plain string) string {
	b := []byte(plain)
	for len(b) < 8 || len(b)%4 != 0 {
		b = append(b, 0)
	}
	words := make([]uint32, len(b)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	encrypt(words, tokenKey(key))
	return hex.EncodeToString(appendWords(b[:0], words))
}

func digit(s string, i int) uint32 {
	switch {
	case i >= len(s):
		return 0
	case s[i]&0x40 != 0:
		return uint32(s[i]&0xF) + 9
	}
	return uint32(s[i] & 0xF)
}

func appendWords(dst []byte, words []uint32) []byte {
	for _, w := range words {
		dst = binary.LittleEndian.AppendUint32(dst, w)
	}
	return dst
}

// tokenKey returns the first 16 bytes of a key, padded with zeros.
func tokenKey(key string) (k [4]uint32) {
	var b [16]byte
	copy(b[:], key)
	for i := range k {
		k[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return k
}

const teaDelta = 0x9E3779B9

// teaMix is XXTEA's round function for word p between its neighbours y (right) and z (left).
func teaMix(k *[4]uint32, sum, y, z uint32, p int) uint32 {
	e := sum >> 2 & 3
	return ((z>>5 ^ y<<2) + (y>>3 ^ z<<4)) ^ ((sum ^ y) + (k[uint32(p)&3^e] ^ z))
}

// decrypt decrypts v in place. v must not be empty. It may have a single word, although XXTEA never encrypts fewer than two.
func decrypt(v []uint32, k [4]uint32) {
	n := len(v)
	y := v[0]
	for sum := uint32(6+52/n) * teaDelta; sum != 0; sum -= teaDelta {
		for p := n - 1; p >= 0; p-- {
			z := v[(p+n-1)%n]
			v[p] -= teaMix(&k, sum, y, z, p)
			y = v[p]
		}
	}
}

// encrypt is the inverse of decrypt for two or more words.
func encrypt(v []uint32, k [4]uint32) {
	n := len(v)
	z := v[n-1]
	sum := uint32(0)
	for range 6 + 52/n {
		sum += teaDelta
		for p := range n {
			v[p] += teaMix(&k, sum, v[(p+1)%n], z, p)
			z = v[p]
		}
	}
}
