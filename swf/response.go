package swf

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// ResponseSize is the number of bytes in a verification response, without the event type in front.
const ResponseSize = 42

// eventResponse is the user control event that carries the response; a request is event 26.
const eventResponse = 27

// Response returns what follows the event type in the answer to a verification request. hash and size are those of the
// player, s1Tail is the last 32 bytes of the server's S1 (handshake.Result.S1Tail).
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

// AppendVerifyResponse appends the whole body of the user control message that answers a verification request: event type 27
// and the [Response], 44 bytes. It goes out on message stream 0, chunk stream 2.
func AppendVerifyResponse(dst []byte, hash []byte, size uint32, s1Tail [32]byte) []byte {
	r := Response(hash, size, s1Tail)
	return append(binary.BigEndian.AppendUint16(dst, eventResponse), r[:]...)
}

// Answerable tells whether a verification request is of a kind that [Response] answers. data is what follows the event type
// 26: nothing, or one byte with the verification type, of which 0 and 1 are known. Others are best ignored, as librtmp does.
func Answerable(data []byte) bool { return len(data) == 0 || data[0] <= 1 }

// CheckResponse is the server's half: it compares data, what follows the event type 27 in a client's message, with the
// response that the player would have given to the server whose S1 ends in s1Tail. The error is an [*Error] of [PhaseVerify].
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
