package flv

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

// Mutation testing (see CONTRIBUTING.md) finds changes that no test notices. They affect no results:
//   - kind.go: whether an empty name of script data is missing.
//   - pace.go: the number of due tags that a Read collects, and whether a Read waits if the wait is 0.
//   - script.go: which of two decoders reads a body with exactly as many values as amf allows; a duration of 0, which means a missing one.

// sample is a file that FFmpeg has written: H.264 with B-frames, and AAC.
func sample(tb testing.TB) []byte {
	tb.Helper()
	b, err := os.ReadFile("../internal/testserver/sample.flv")
	require.NoError(tb, err)
	return b
}

// smallTags returns tags that a parser may handle wrongly: an empty body, an unknown type, a timestamp of four bytes, the filter bit, and a
// body that begins like a file header.
func smallTags() []Tag {
	return []Tag{
		{Type: TagScript, Body: []byte{2, 0, 1, 'x'}},
		{Type: TagVideo, Timestamp: 0x01020304, Body: []byte{0x17, 0, 0, 0, 0, 9, 9}},
		{Type: TagAudio, Timestamp: 0xfffffffe, Body: []byte{}},
		{Type: 31, Timestamp: 7, Body: []byte("FLV\x01\x05\x00\x00\x00\x09")},
		{Type: TagAudio, Timestamp: 8, Filtered: true, Body: []byte{0xaf, 1, 5}},
	}
}

func smallFile() []byte {
	b := AppendFileHeader(nil, FileHeader{HasAudio: true, HasVideo: true})
	for _, t := range smallTags() {
		b = AppendTag(b, t)
	}
	return b
}

type parsed struct {
	tags    []Tag
	offsets []int64
	header  FileHeader
	seen    bool
	wrong   int64
	end     string // text of the error of Parse or End
}

func parse(p *Parser, pieces ...[]byte) (out parsed) {
	err := func() error {
		for _, b := range pieces {
			for {
				var t Tag
				n, ok, err := p.Parse(b, &t)
				if err != nil {
					return err
				}
				b = b[n:]
				if !ok {
					break
				}
				t.Body = append([]byte{}, t.Body...)
				out.tags = append(out.tags, t)
				out.offsets = append(out.offsets, p.Offset())
			}
			if len(b) != 0 {
				return errors.New("Parse left bytes behind")
			}
		}
		return p.End()
	}()
	out.header, out.seen = p.Header()
	out.wrong = p.WrongPreviousTagSizes()
	if err != nil {
		out.end = err.Error()
	}
	return out
}

func readAll(r *Reader) (tags []Tag, err error) {
	for {
		var t Tag
		if err := r.Next(&t); err != nil {
			return tags, err
		}
		t.Body = append([]byte{}, t.Body...)
		tags = append(tags, t)
	}
}

var unhex = conntest.Hex

// packed packs binary digits into bytes, and fills up the last byte with zeros.
func packed(fields ...string) (out []byte) {
	for i, bit := range strings.ReplaceAll(strings.Join(fields, ""), " ", "") {
		if i%8 == 0 {
			out = append(out, 0)
		}
		out[i/8] |= byte(bit-'0') << (7 - i%8)
	}
	return out
}

// requireCut asserts that err is the error for input that ends too early.
func requireCut(tb testing.TB, err error, offset, missing int64) {
	tb.Helper()
	require.ErrorIs(tb, err, io.ErrUnexpectedEOF)
	var e *Error
	require.ErrorAs(tb, err, &e)
	require.Equal(tb, offset, e.Offset, err)
	require.Equal(tb, missing, e.Value, err)
}

func requireError(tb testing.TB, err error, want string) {
	tb.Helper()
	var e *Error
	require.ErrorAs(tb, err, &e)
	require.EqualError(tb, err, want)
}

func splits(b []byte, size int) (pieces [][]byte) {
	for len(b) > 0 {
		n := min(size, len(b))
		pieces = append(pieces, bytes.Clone(b[:n]))
		b = b[n:]
	}
	return pieces
}
