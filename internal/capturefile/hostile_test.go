package capturefile

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
)

// TestMemoryOfNamesIsBounded checks that references to a long name do not copy it.
func TestMemoryOfNamesIsBounded(t *testing.T) {
	const size, references = 10_000, 10_000
	name := append([]byte{size<<1>>14 | 0x80, size<<1>>7&0x7f | 0x80, size<<1&0x7f | 1}, strings.Repeat("x", size)...)
	const sealed = references << 4
	for what, object := range map[string][]byte{
		"sealed":  slices.Concat([]byte{10, sealed>>14 | 0x80, sealed>>7&0x7f | 0x80, sealed&0x7f | 3, 1}, name, make([]byte, references-1)),
		"dynamic": slices.Concat([]byte{10, 11, 1}, name, []byte{0}, make([]byte, 2*references)),
	} {
		body := slices.Concat(amf.AppendString(nil, "custom"), []byte{17}, object)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		redact(newRedactor(nil), FromClient, message.TypeCommandAMF0, body)
		runtime.ReadMemStats(&after)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), what)
	}
}

// TestSecretThatIsRepeated checks that the time for a secret that occurs very often, and overlaps itself, grows with the length of the text
// only.
func TestSecretThatIsRepeated(t *testing.T) {
	r := newRedactor(nil)
	for size := 3; !r.secrets.full; size++ {
		r.secrets.learn(strings.Repeat("a", size))
	}
	r.secrets.full = false
	const size = 50_000
	body := amf.AppendString(amf.AppendString(nil, "onText"), strings.Repeat("a", size))
	redact(r, FromClient, message.TypeDataAMF0, body)
	assert.False(t, bytes.Contains(body, []byte("aa")))
}
