package swf

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// ResponseSize is the size of a verification response in bytes, without the event type before it.
const ResponseSize = 42

// eventResponse is the user control event of the response; the request is event 26.
const eventResponse = 27

// Response returns the answer to a verification request, without the event type before it. hash and size are the player's, and
// s1Tail is the last 32 bytes of the server's S1 (handshake.Result.S1Tail).
//
//	+----+----+--------------+--------------+-----------------------------------------+
//	| 01 | 01 | size, BE (4) | size, BE (4) | HMAC-SHA256, key s1Tail, of the hash     |
//	+----+----+--------------+--------------+-----------------------------------------+
func Response(hash []byte, size uint32, s1Tail [32]byte) [ResponseSize]byte {
	r := [ResponseSize]byte{1, 1}
	binary.BigEndian.PutUint32(r[2:], size)
	binary.BigEndian.PutUint32(r[6:], size)
	mac := hmac.New(sha256.New, s1Tail[:])
	mac.Write(hash)
	mac.Sum(r[:10])
	return r
}

// AppendVerifyResponse appends the body of the user control message that answers a verification request: event type 27 and the
// [Response], 44 bytes in total. Send it on message stream 0 and chunk stream 2.
func AppendVerifyResponse(dst []byte, hash []byte, size uint32, s1Tail [32]byte) []byte {
	r := Response(hash, size, s1Tail)
	return append(binary.BigEndian.AppendUint16(dst, eventResponse), r[:]...)
}

// Answerable reports whether [Response] answers a verification request. data is the request after the event type 26: nothing,
// or one byte with the verification type, 0 or 1. Ignore requests of other types, as librtmp does.
func Answerable(data []byte) bool { return len(data) == 0 || data[0] <= 1 }

// CheckResponse is the server's half. It compares data, a client's message after the event type 27, with the correct response.
// The error is an [*Error] with [PhaseVerify].
func CheckResponse(data []byte, hash []byte, size uint32, s1Tail [32]byte) error {
	wrong := func(detail string, value any) error {
		return &Error{Phase: PhaseVerify, Detail: detail, Value: value}
	}
	want := Response(hash, size, s1Tail)
	switch {
	case len(data) != ResponseSize:
		return wrong("length is not 42 but", len(data))
	case data[0] != 1 || data[1] != 1:
		return wrong("unknown version", hexOf(data[:2]))
	case string(data[2:10]) != string(want[2:10]):
		return wrong("player's sizes", hexOf(data[2:10]))
	case !hmac.Equal(data[10:], want[10:]):
		return wrong("another player, or another session's response", nil)
	}
	return nil
}
