package flv_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
)

// header is a timestamp in pacedFile's arguments: the tag is a configuration with the timestamp 0.
const header = 1<<32 - 1

func pacedFile(timestamps ...uint32) []byte {
	file := flv.AppendFileHeader(nil, flv.FileHeader{HasVideo: true})
	for _, ts := range timestamps {
		tag := flv.Tag{Type: flv.TagVideo, Timestamp: ts, Body: []byte{0x27, 1, 2}}
		if ts == header {
			tag = flv.Tag{Type: flv.TagAudio, Body: []byte{0xaf, 0, 0x12}}
		}
		file = flv.AppendTag(file, tag)
	}
	return file
}

// TestPacedReader checks that the output is the file, and that each tag is returned when it is due.
func TestPacedReader(t *testing.T) {
	for name, test := range map[string]struct {
		timestamps []uint32
		ahead      time.Duration
		want       []time.Duration // when each tag is due
	}{
		"from 0":        {[]uint32{0, 0, 40, 80, 1000}, 0, []time.Duration{0, 0, 40e6, 80e6, 1e9}},
		"from anywhere": {[]uint32{5000, 5040, 7000}, 0, []time.Duration{0, 40e6, 2e9}},
		"ahead":         {[]uint32{0, 40, 1000, 2000}, time.Second, []time.Duration{0, 0, 0, 1e9}},
		"backwards":     {[]uint32{100, 140, 90, 180}, 0, []time.Duration{0, 40e6, 40e6, 80e6}},
		"around 2^32":   {[]uint32{1<<32 - 40, 0, 40}, 0, []time.Duration{0, 40e6, 80e6}},
		"headers at 0":  {[]uint32{header, header, 90_000, 90_040, header, 90_080}, 0, []time.Duration{0, 0, 0, 40e6, 40e6, 80e6}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := pacedFile(test.timestamps...)
				r := flv.NewPacedReader(t.Context(), iotest.HalfReader(bytes.NewReader(file)), test.ahead)
				start := time.Now()
				var got []byte
				var times []time.Duration
				buf := make([]byte, 1000)
				for {
					n, err := r.Read(buf)
					got = append(got, buf[:n]...)
					for len(times) < (len(got)-flv.FileHeaderSize)/(flv.TagOverhead+3) {
						times = append(times, time.Since(start))
					}
					if err != nil {
						require.ErrorIs(t, err, io.EOF)
						break
					}
				}
				assert.Equal(t, file, got)
				assert.Equal(t, test.want, times)
			})
		})
	}
}

func TestPacedReaderEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := flv.NewPacedReader(ctx, bytes.NewReader(pacedFile(0, 3_600_000)), 0)
	_, err := r.Read(make([]byte, 1000))
	require.NoError(t, err)
	cancel()
	_, err = r.Read(make([]byte, 1000))
	require.ErrorIs(t, err, context.Canceled)

	file := pacedFile(0, 0)
	got, err := io.ReadAll(flv.NewPacedReader(t.Context(), bytes.NewReader(file[:len(file)-6]), 0))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Len(t, got, len(file)-flv.TagOverhead-3)
	_, err = io.ReadAll(flv.NewPacedReader(t.Context(), bytes.NewReader([]byte("no FLV file")), 0))
	require.Error(t, err)
}

// TestPacedReaderContinues checks that reading continues after an error of the io.Reader, as with a Reader.
func TestPacedReaderContinues(t *testing.T) {
	file := flv.AppendTag(flv.AppendFileHeader(nil, flv.FileHeader{}), flv.Tag{Type: flv.TagAudio, Body: []byte("a")})
	lost := errors.New("lost for a moment")
	half := len(file) - 5
	r := flv.NewPacedReader(t.Context(), io.MultiReader(bytes.NewReader(file[:half]), &failingOnce{lost}, bytes.NewReader(file[half:])), 0)
	got, err := io.ReadAll(r)
	require.Equal(t, lost, err)
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, file, append(got, rest...))
}

// failingOnce returns err once, and then io.EOF.
type failingOnce struct{ err error }

func (f *failingOnce) Read([]byte) (int, error) {
	err := f.err
	f.err = io.EOF
	return 0, err
}
