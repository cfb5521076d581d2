package download

import (
	"bytes"
	"errors"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func TestScan(t *testing.T) {
	all := sample(t)
	file := rtmptest.File(all...)
	got, err := scan(bytes.NewReader(file), 0)
	require.NoError(t, err)
	assert.EqualValues(t, len(file), got.end)
	assert.Len(t, got.keys, 5)
	assert.Equal(t, all[len(all)-1].Timestamp, got.last())
	assert.Equal(t, contentOf(all[0]), got.metadata)
	assert.True(t, got.headers.Has(all[1]))
	at, ok := got.resumePoint(0)
	assert.True(t, ok)
	assert.EqualValues(t, 8000, at)
	at, ok = got.resumePoint(3)
	assert.True(t, ok)
	assert.EqualValues(t, 2000, at)
	_, ok = got.resumePoint(5)
	assert.False(t, ok)
}

// TestScanWrongPreviousTagSizes checks that a file whose previous tag sizes are all wrong ends before its last tag.
func TestScanWrongPreviousTagSizes(t *testing.T) {
	file := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	list := sample(t)[:50]
	end := 0
	for _, tag := range list {
		end = len(file)
		file = flv.AppendTag(file, tag)
		flv.PutPreviousTagSize(file[len(file)-4:], len(tag.Body)-11) // some programs count the body only
	}
	got, err := scan(bytes.NewReader(file), 0)
	require.NoError(t, err)
	assert.EqualValues(t, end, got.end)
}

func TestScanErrors(t *testing.T) {
	broken := errors.New("broken disk")
	_, err := scan(iotest.ErrReader(broken), 0)
	assert.ErrorIs(t, err, broken)
	_, err = scan(iotest.TimeoutReader(bytes.NewReader(testserver.Sample)), 0)
	assert.ErrorIs(t, err, iotest.ErrTimeout)
	_, err = scan(bytes.NewReader([]byte("<html><body>not found")), 0)
	assert.ErrorIs(t, err, ErrNotFLV)
}

func TestTailIsBounded(t *testing.T) {
	tl := &tail{end: 13}
	key := flv.Tag{Type: flv.TagVideo, Body: []byte{0x17, 1, 0, 0, 0, 9}}
	inter := flv.Tag{Type: flv.TagVideo, Body: []byte{0x27, 1, 0, 0, 0, 9}}
	for i := range 3000 {
		key.Timestamp = uint32(i * 1000)
		tl.add(key)
		for j := range 10 {
			inter.Timestamp = key.Timestamp + uint32(j+1)
			tl.add(inter)
		}
	}
	assert.LessOrEqual(t, len(tl.keys), maxKeys)
	assert.Less(t, len(tl.recent), 200)
	for range 2 * maxRecent { // without key frames
		tl.add(inter)
	}
	assert.LessOrEqual(t, len(tl.recent), maxRecent)
}

func FuzzScan(f *testing.F) {
	f.Add(testserver.Sample[:5000])
	f.Add(testserver.Sample[:13])
	f.Add([]byte("FLV"))
	f.Add(append(bytes.Clone(testserver.Sample[:4000]), make([]byte, 100)...))
	f.Add(append(bytes.Clone(testserver.Sample[:4000]), testserver.Sample[:4000]...))
	f.Fuzz(func(t *testing.T, file []byte) {
		tl, err := scan(bytes.NewReader(file), 0)
		if err != nil {
			require.ErrorIs(t, err, ErrNotFLV)
			return
		}
		require.LessOrEqual(t, tl.end, int64(len(file)))
		require.GreaterOrEqual(t, tl.end, int64(0))
		if tl.end == 0 {
			require.True(t, tl.empty())
			return
		}
		_, err = testserver.Tags(file[:tl.end])
		require.NoError(t, err, "the good part is whole tags")
		for _, e := range tl.recent {
			require.Less(t, e.offset, tl.end)
		}
	})
}

// FuzzContinue damages the end of a file. The undamaged part must be kept, and the server's stream must follow it.
func FuzzContinue(f *testing.F) {
	f.Add(uint16(300), []byte{}, false)
	f.Add(uint16(277), []byte("FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"), true)
	f.Add(uint16(140), []byte{9, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0x17, 1, 0, 0, 0, 0, 0, 0, 16}, false)
	f.Add(uint16(500), []byte{8, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0xaf, 1, 0, 0, 0, 13}, true)
	f.Fuzz(func(t *testing.T, n uint16, rest []byte, relative bool) {
		all := sample(t)
		good := max(headers+1, int(n)%len(all))
		file := append(rtmptest.File(all[:good]...), rest...)
		tl, err := scan(bytes.NewReader(file), 0)
		require.NoError(t, err)
		kept := rtmptest.File(all[:good]...)
		for back := 0; ; back++ { // go back until the tags match
			at, further := tl.resumePoint(back)
			if !further {
				at = tl.first.time
			}
			s := newSplice(tl, at, false)
			for _, tag := range playFrom(all, seek(all, ms(min(at, 10_000)), 0), relative && at <= 10_000) {
				ready, err := s.add(tag)
				require.NoError(t, err)
				if !ready {
					continue
				}
				p, ok := s.plan(false)
				if !ok {
					require.True(t, further)
					break
				}
				require.LessOrEqual(t, p.cut, tl.end)
				require.True(t, p.byContent)
				if len(rest) == 0 {
					require.EqualValues(t, len(kept), p.cut, "no undamaged tag is cut off")
				}
				return
			}
			if !further {
				return
			}
		}
	})
}
