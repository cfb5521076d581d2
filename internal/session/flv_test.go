package session

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
)

// flvFile returns a file with three tags, and the sizes of its parts: the file header, and each tag.
func flvFile() (file []byte, sizes []int) {
	file = flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true})
	sizes = append(sizes, len(file))
	for n := range 3 {
		before := len(file)
		file = flv.AppendTag(file, flv.Tag{Type: flv.TagAudio, Timestamp: uint32(n), Body: make([]byte, 100*n)})
		sizes = append(sizes, len(file)-before)
	}
	return file, sizes
}

func TestWriteTags(t *testing.T) {
	file, sizes := flvFile()
	failed := errors.New("failed")
	for name, c := range map[string]struct {
		b      []byte
		failAt int // the tag at which f fails, from 1
		tags   int
		used   int // -1 if it depends on the parser
		err    string
	}{
		"nothing":             {nil, 0, 0, 0, ""},
		"a file":              {file, 0, 3, len(file), ""},
		"a part of a file":    {file[:len(file)-50], 0, 2, len(file) - 50, ""},
		"an error of f":       {file, 2, 2, sizes[0] + sizes[1] + sizes[2] - flv.PreviousTagSizeLen, "failed"},
		"an error of the FLV": {append(bytes.Clone(file), bytes.Repeat([]byte{0xff}, 20)...), 0, 3, -1, "rtmp: publish: flv: "},
	} {
		t.Run(name, func(t *testing.T) {
			var p flv.Parser
			var tag flv.Tag
			tags := 0
			n, err := WriteTags(c.b, &p, &tag, "rtmp: publish", func() error {
				assert.Equal(t, uint32(tags), tag.Timestamp)
				if tags++; tags == c.failAt {
					return failed
				}
				return nil
			})
			assert.Equal(t, c.tags, tags)
			if c.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.err)
			}
			if c.failAt > 0 {
				require.ErrorIs(t, err, failed)
			}
			if c.used >= 0 {
				assert.Equal(t, c.used, n)
			}
		})
	}
}

func TestReadTags(t *testing.T) {
	file, _ := flvFile()
	lost, failed := errors.New("lost"), errors.New("failed")
	for name, c := range map[string]struct {
		r     io.Reader
		full  int // bytes after which write fails; 0 if it does not
		total int
		err   error
	}{
		"a file":            {bytes.NewReader(file), 0, len(file), nil},
		"with the end":      {iotest.DataErrReader(bytes.NewReader(file)), 0, len(file), nil},
		"byte by byte":      {iotest.OneByteReader(bytes.NewReader(file)), 0, len(file), nil},
		"cut":               {bytes.NewReader(file[:len(file)-9]), 0, len(file) - 9, io.ErrUnexpectedEOF},
		"an error of r":     {io.MultiReader(bytes.NewReader(file[:50]), iotest.ErrReader(lost)), 0, 50, lost},
		"an error of write": {bytes.NewReader(file), 70, 70, failed},
	} {
		t.Run(name, func(t *testing.T) {
			var p flv.Parser
			var tag flv.Tag
			got := 0
			total, err := ReadTags(c.r, 32, func(b []byte) (int, error) {
				assert.LessOrEqual(t, len(b), 32)
				assert.NotEmpty(t, b)
				if c.full > 0 && got+len(b) > c.full {
					n := c.full - got
					got = c.full
					return n, failed
				}
				got += len(b)
				return WriteTags(b, &p, &tag, "", func() error { return nil })
			}, &p)
			assert.EqualValues(t, c.total, total)
			assert.Equal(t, c.total, got)
			if c.err == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, c.err)
			}
		})
	}
}
