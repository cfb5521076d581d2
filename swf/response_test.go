package swf

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

// rtmpdump 2.4 sends this to a server whose S1 ends in 00 01 .. 1f.
const goldenResponse = "0101" + "000003f0" + "000003f0" + "a69703648696e17910925329637acb7d88a862bfbd05c716d4e37e287efeb097"

func goldenTail() (tail [32]byte) {
	copy(tail[:], testBody(32))
	return tail
}

var unhex = conntest.Hex

func TestResponse(t *testing.T) {
	hash := unhex(playerHash)
	r := Response(hash, playerSize, goldenTail())
	assert.Equal(t, goldenResponse, hex.EncodeToString(r[:]))
	assert.NoError(t, CheckResponse(r[:], hash, playerSize, goldenTail()))

	body := AppendVerifyResponse([]byte("before"), hash, playerSize, goldenTail())
	assert.Equal(t, append([]byte("before\x00\x1b"), r[:]...), body)
}

func TestCheckResponseRefuses(t *testing.T) {
	hash, good := unhex(playerHash), unhex(goldenResponse)
	changed := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 0x80
		return b
	}
	for name, test := range map[string]struct {
		data []byte
		text string
	}{
		"nothing":      {nil, "length is not 42 but: 0"},
		"short":        {good[:41], "length is not 42 but: 41"},
		"long":         {append(bytes.Clone(good), 0), "length is not 42 but: 43"},
		"version":      {changed(0), "unknown version: 8101"},
		"second byte":  {changed(1), "unknown version: 0181"},
		"size":         {changed(2), "player's sizes: 800003f0000003f0"},
		"size again":   {changed(9), "player's sizes: 000003f000000370"},
		"digest":       {changed(10), "another player"},
		"digest's end": {changed(41), "another player"},
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckResponse(test.data, hash, playerSize, goldenTail())
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, PhaseVerify, e.Phase)
			assert.ErrorContains(t, err, test.text)
		})
	}
	t.Run("another session", func(t *testing.T) {
		assert.Error(t, CheckResponse(good, hash, playerSize, [32]byte{}))
	})
	t.Run("another player", func(t *testing.T) {
		assert.Error(t, CheckResponse(good, unhex(zwsPlayerHash), playerSize, goldenTail()))
	})
}

func TestAnswerable(t *testing.T) {
	for name, test := range map[string]struct {
		data []byte
		want bool
	}{
		"no type": {nil, true}, "type 0": {[]byte{0}, true}, "type 1": {[]byte{1}, true},
		"type 2": {[]byte{2}, false}, "type 255": {[]byte{255}, false}, "type 1 and more": {[]byte{1, 9}, true},
	} {
		assert.Equal(t, test.want, Answerable(test.data), name)
	}
}

func TestAppendVerifyResponseUsesRoom(t *testing.T) {
	hash, dst := unhex(playerHash), make([]byte, 0, 44)
	got := AppendVerifyResponse(dst, hash, playerSize, goldenTail())
	assert.Same(t, &dst[:1][0], &got[0])
	assert.Len(t, got, 44)
}
