package flv

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAppendFileHeader(t *testing.T) {
	for _, c := range []struct {
		h    FileHeader
		want string
	}{
		{FileHeader{}, "464c56 01 00 00000009 00000000"},
		{FileHeader{HasAudio: true}, "464c56 01 04 00000009 00000000"},
		{FileHeader{HasVideo: true}, "464c56 01 01 00000009 00000000"},
		{FileHeader{HasAudio: true, HasVideo: true}, "464c56 01 05 00000009 00000000"},
	} {
		b := AppendFileHeader([]byte("x"), c.h)
		assert.Equal(t, unhex(c.want), b[1:])
		assert.Len(t, b[1:], FileHeaderSize)

		h, offset, err := ParseFileHeader(b[1:])
		require.NoError(t, err)
		assert.Equal(t, c.h, h)
		assert.Equal(t, uint32(9), offset)
	}
}

func TestParseFileHeader(t *testing.T) {
	h, offset, err := ParseFileHeader(unhex("464c56 02 ff 01020304"))
	require.NoError(t, err)
	assert.Equal(t, FileHeader{HasAudio: true, HasVideo: true}, h, "flags and versions not known are ignored")
	assert.Equal(t, uint32(0x01020304), offset)

	_, _, err = ParseFileHeader(unhex("464c57 01 05 00000009"))
	requireError(t, err, `flv: offset 0: not an FLV file, which begins with the bytes FLV: "FLW"`)
	_, _, err = ParseFileHeader(unhex("464c56 01 05 00000008"))
	requireError(t, err, "flv: offset 0: file header is shorter than 9 bytes: 0x8")
	for n := range 9 {
		_, _, err = ParseFileHeader(unhex("464c56 01 05 00000009")[:n])
		requireCut(t, err, 0, int64(9-n))
	}
}

func TestAppendTag(t *testing.T) {
	for _, c := range []struct {
		name string
		tag  Tag
		want string
	}{
		{"empty", Tag{Type: TagAudio}, "08 000000 000000 00 000000 0000000b"},
		{"timestamp", Tag{Type: TagVideo, Timestamp: 0xa1b2c3d4, Body: []byte{0x57, 0}}, "09 000002 b2c3d4 a1 000000 5700 0000000d"},
		{"filtered", Tag{Type: TagScript, Filtered: true, Body: []byte{5}}, "32 000001 000000 00 000000 05 0000000c"},
		{"five bits of type", Tag{Type: 0xff}, "1f 000000 000000 00 000000 0000000b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, append([]byte("x"), unhex(c.want)...), AppendTag([]byte("x"), c.tag))
		})
	}
}

func TestAppendTagLongest(t *testing.T) {
	b := AppendTag(nil, Tag{Type: TagVideo, Body: make([]byte, MaxBodySize)})
	assert.Equal(t, unhex("09 ffffff 000000 00 000000"), b[:TagHeaderSize])
	assert.Equal(t, unhex("0100000a"), b[len(b)-PreviousTagSizeLen:])
	assert.Len(t, AppendTag(nil, Tag{Body: make([]byte, MaxBodySize+1)}), MaxBodySize+TagOverhead, "a longer body is truncated")
}

// TestPutTagHeader checks that PutTagHeader and PutPreviousTagSize write the same bytes as AppendTag.
func TestPutTagHeader(t *testing.T) {
	for _, tag := range smallTags() {
		tag.Filtered = false
		b := bytes.Repeat([]byte{0xee}, TagOverhead+len(tag.Body))
		PutTagHeader(b, tag.Type, len(tag.Body), tag.Timestamp)
		copy(b[TagHeaderSize:], tag.Body)
		PutPreviousTagSize(b[TagHeaderSize+len(tag.Body):], len(tag.Body))
		assert.Equal(t, AppendTag(nil, tag), b)
	}
}

func TestTagTypeString(t *testing.T) {
	assert.Equal(t, "audio video script tag type 15",
		TagAudio.String()+" "+TagVideo.String()+" "+TagScript.String()+" "+TagType(15).String())
}

func TestEncodeAllocates(t *testing.T) {
	body := make([]byte, 1000)
	dst := make([]byte, 0, 2000)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		dst = AppendTag(dst[:0], Tag{Type: TagVideo, Timestamp: 40, Body: body})
	}))
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		PutTagHeader(dst, TagVideo, len(body), 40)
		PutPreviousTagSize(dst[len(dst)-PreviousTagSizeLen:], len(body))
	}))
}
