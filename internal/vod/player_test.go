package vod

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
)

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

func TestPlaysWhatIsInTheFile(t *testing.T) {
	sample, err := os.ReadFile(sampleFile)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(1, 2))
	var random []flv.Tag
	for n := range uint32(300) { // tags that are slightly smaller and larger than a piece, and much larger
		size := []int{5, r.IntN(3000), r.IntN(70_000), pieceSize - FrameRoom - 2 + r.IntN(5), r.IntN(300_000)}[r.IntN(5)]
		random = append(random, big(n, max(size, 5)))
	}
	random = append(random, big(300, flv.MaxBodySize))
	f, _ := newFolder(t, map[string][]byte{"sample.flv": sample, "random.flv": fileOf(random...), "none.flv": fileOf()})
	for _, name := range []string{"sample.flv", "random.flv", "none.flv"} {
		p := play(t, f, name, all)
		var file bytes.Buffer
		file.Write(sample[:9])
		var tag Tag
		for {
			wait, err := p.Fill()
			if err != nil {
				require.Equal(t, io.EOF, err)
				break
			}
			require.Zero(t, wait)
			var frames []byte
			from := p.piece.next
			for p.Next(&tag) {
				frames = append(frames, tag.Frame...)
			}
			require.True(t, bytes.Equal((*p.piece.buf)[from:p.piece.next], frames), "one lies after the other")
			file.Write(frames)
			clear(tag.Frame[:FrameRoom]) // the caller may overwrite these bytes
		}
		back := make([]byte, flv.PreviousTagSizeLen)
		if len(tag.Frame) > 0 {
			flv.PutPreviousTagSize(back, len(tag.Body))
		}
		file.Write(back)
		want, err := os.ReadFile(filepath.Join(f.root.Name(), name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, file.Bytes()), name)
		_, err = p.Fill()
		require.Equal(t, io.EOF, err)
	}
}

// TestOtherTagsAreLeftOut checks that only audio, video and script tags are returned. A server uses tag types as message types. If other
// tags were returned, a file could make the server send messages of any type.
func TestOtherTagsAreLeftOut(t *testing.T) {
	odd := func(typ flv.TagType, size int) flv.Tag { return flv.Tag{Type: typ, Body: make([]byte, size)} }
	f, _ := newFolder(t, map[string][]byte{"a.flv": fileOf(odd(1, 4), key(0), odd(4, 3), odd(20, 100_000), odd(15, 0), inter(40), odd(31, 70_000))})
	tags, err := drain(t, play(t, f, "a.flv", all))
	require.Equal(t, io.EOF, err)
	require.Equal(t, []flv.Tag{key(0), inter(40)}, tags)
}

func TestPlaysDamagedFiles(t *testing.T) {
	whole := fileOf(key(0), inter(40), big(80, 1000))
	two := fileOf(key(0), inter(40))
	for name, c := range map[string]struct {
		content []byte
		tags    int
		cut     bool // the file is truncated, not damaged
	}{
		"cut in a body":            {whole[:len(whole)-100], 2, true},
		"cut in a header":          {whole[:len(two)+5], 2, true},
		"cut in a PreviousTagSize": {whole[:len(whole)-2], 3, true},
		"zeros":                    {append(bytes.Clone(two), make([]byte, 100)...), 2, false},
		"garbage":                  {append(bytes.Clone(two), bytes.Repeat([]byte{0xee}, 100)...), 2, false},
		"a header that is too far": {[]byte("FLV\x01\x05\x7f\xff\xff\xff\x00\x00\x00\x00"), 0, true},
		"nothing but a header":     {whole[:9], 0, true},
	} {
		f, _ := newFolder(t, map[string][]byte{"a.flv": c.content})
		p := play(t, f, "a.flv", all)
		for range 2 {
			tags, err := drain(t, p)
			var damage *flv.Error
			require.ErrorAs(t, err, &damage, name)
			if c.cut {
				require.ErrorIs(t, err, io.ErrUnexpectedEOF, name)
			}
			require.Len(t, tags, c.tags, name)
			require.NoError(t, p.Seek(context.Background(), 0), name) // Seek works after an error
		}
	}
}

// seekable returns a file with key frames at 0, 1000, 2000 and 3000 ms, and with other headers from 2000 ms on.
func seekable(t testing.TB) []byte {
	tags := []flv.Tag{script(t, "onMetaData"), avc(1), aac(1)}
	for n := range uint32(40) {
		now := 100 * n
		switch {
		case n == 20:
			tags = append(tags, at(avc(2), now), key(now))
		case n%10 == 0:
			tags = append(tags, key(now))
		default:
			tags = append(tags, inter(now))
		}
		tags = append(tags, sound(now+1))
	}
	return fileOf(tags...)
}

func TestSeek(t *testing.T) {
	f, _ := newFolder(t, map[string][]byte{"a.flv": seekable(t)})
	p := play(t, f, "a.flv", all)
	for _, c := range []struct {
		to    time.Duration
		key   uint32
		avc   byte
		where int // index of the key frame in the file's tags
	}{{3901, 3000, 2, 3}, {2000, 2000, 2, 3}, {1999, 1000, 1, 3}, {1000, 1000, 1, 3}, {999, 0, 1, 3}, {0, 0, 1, 3}, {3500, 3000, 2, 3}} {
		require.NoError(t, p.Seek(context.Background(), c.to*time.Millisecond))
		tags, _, err := next(t, p)
		require.NoError(t, err)
		more, _, err := next(t, p)
		if c.key > 0 {
			require.NoError(t, err)
			require.Len(t, tags, 3)
		}
		tags = append(tags, more...)
		require.Equal(t, key(c.key), tags[c.where], c.to)
		for _, header := range []flv.Tag{at(script(t, "onMetaData"), c.key), at(avc(c.avc), c.key), at(aac(1), c.key)} {
			require.Contains(t, tags[:c.where], header, c.to)
		}
		require.Equal(t, sound(c.key+1), tags[c.where+1])
	}
	want, _ := drain(t, p)
	for _, to := range []time.Duration{-1 * time.Millisecond, 3902 * time.Millisecond, time.Hour, math.MaxInt64, math.MinInt64} {
		require.NoError(t, p.Seek(context.Background(), 0))
		require.ErrorIs(t, p.Seek(context.Background(), to), ErrInvalidTime)
		tags, err := drain(t, p)
		require.Equal(t, io.EOF, err)
		require.Len(t, tags, 84, "it is where it was")
	}
	require.Empty(t, want)
}

// TestHeadersInPlace checks that the frames of headers are FLV, too, and that messages can be made from them in place.
func TestHeadersInPlace(t *testing.T) {
	f, _ := newFolder(t, map[string][]byte{"a.flv": seekable(t)})
	p := play(t, f, "a.flv", all)
	require.NoError(t, p.Seek(context.Background(), 3*time.Second))
	_, err := p.Fill()
	require.NoError(t, err)
	require.Len(t, p.front, 3)
	want := []flv.Tag{p.front[0].Tag, p.front[1].Tag, p.front[2].Tag}
	for i := range want {
		want[i] = clone(want[i])
	}
	var file, out []byte
	var tag Tag
	for p.Next(&tag) {
		file = append(file, tag.Frame...)
		if out == nil {
			out = tag.Frame[:0]
		}
		out = append(append(out, make([]byte, FrameRoom-3)...), tag.Body...)
	}
	file = append([]byte("FLV\x01\x05\x00\x00\x00\x09"), file...)
	file = binary.BigEndian.AppendUint32(file, uint32(len(want[2].Body)+flv.TagHeaderSize))
	require.Equal(t, want, tagsOf(t, file))
	var message []byte
	for _, tag := range want {
		message = append(append(message, make([]byte, FrameRoom-3)...), tag.Body...)
	}
	require.Equal(t, message, out)
}

func TestStartAndLength(t *testing.T) {
	f, _ := newFolder(t, map[string][]byte{"a.flv": seekable(t)})
	const ms = time.Millisecond
	for _, c := range []struct {
		start, length time.Duration
		first, last   uint32
	}{{0, 500 * ms, 0, 401}, {-2 * time.Second, 500 * ms, 0, 401}, {1500 * ms, 700 * ms, 1000, 2101}, {1500 * ms, -1, 1000, 3901}, {3901 * ms, time.Hour, 3000, 3901}, {0, math.MaxInt64, 0, 3901}, {ms, math.MaxInt64, 0, 3901}} {
		tags, err := drain(t, play(t, f, "a.flv", PlayOptions{Start: c.start, Length: c.length, AsFast: true}))
		require.Equal(t, io.EOF, err)
		require.Equal(t, c.first, tags[3].Timestamp, c)
		require.Equal(t, c.last, tags[len(tags)-1].Timestamp, c)
	}
	_, err := f.Play(context.Background(), "a.flv", PlayOptions{Start: 4 * time.Second, Length: -1})
	require.ErrorIs(t, err, ErrInvalidTime)
	tags, err := drain(t, play(t, f, "a.flv", PlayOptions{Start: time.Hour}))
	require.Equal(t, io.EOF, err)
	require.Empty(t, tags)
}

// TestSeekWhilePaused checks that a seek returns one picture while the client's clock is stopped.
func TestSeekWhilePaused(t *testing.T) {
	f, _ := newFolder(t, map[string][]byte{"a.flv": seekable(t), "sound.flv": fileOf(aac(1), sound(0), sound(2000), sound(3000))})
	for _, fast := range []bool{false, true} {
		p := play(t, f, "a.flv", PlayOptions{Length: -1, AsFast: fast})
		_, _, err := next(t, p)
		require.NoError(t, err)
		p.Pause()
		for range 3 {
			_, wait, err := next(t, p)
			require.NoError(t, err)
			require.Equal(t, Forever, wait)
			require.NoError(t, p.Seek(context.Background(), 2500*time.Millisecond))
			headers, _, err := next(t, p)
			require.NoError(t, err)
			require.Len(t, headers, 3)
			picture, _, err := next(t, p)
			require.NoError(t, err)
			require.Equal(t, []flv.Tag{key(2000)}, picture)
		}
		require.NoError(t, p.Seek(context.Background(), 0))
		tags, _, err := next(t, p)
		require.NoError(t, err)
		require.Equal(t, key(0), tags[len(tags)-1])
		_, wait, _ := next(t, p)
		require.Equal(t, Forever, wait)
		p.Resume()
		tags, wait, err = next(t, p)
		require.NoError(t, err)
		require.Zero(t, wait)
		require.Equal(t, sound(1), tags[0])

		p = play(t, f, "sound.flv", PlayOptions{Length: -1, AsFast: fast})
		p.Pause()
		require.NoError(t, p.Seek(context.Background(), 2*time.Second))
		tags, _, err = next(t, p)
		require.NoError(t, err)
		require.Equal(t, []flv.Tag{at(aac(1), 2000)}, tags)
		_, wait, _ = next(t, p)
		require.Equal(t, Forever, wait)
		p.Resume()
		tags, _, _ = next(t, p)
		require.Equal(t, sound(2000), tags[0])
	}
}

// TestPace checks that a client receives as much as its buffer holds, and at most one piece more.
func TestPace(t *testing.T) {
	var tags []flv.Tag
	for n := range uint32(100) { // a tag of almost a piece every 500 ms
		tags = append(tags, big(10_000+500*n, pieceSize-1000))
	}
	f, _ := newFolder(t, map[string][]byte{"a.flv": fileOf(tags...)})
	synctest.Test(t, func(t *testing.T) {
		p, err := f.Play(t.Context(), "a.flv", PlayOptions{Length: -1, Buffer: 3 * time.Second})
		require.NoError(t, err)
		defer p.Close()
		// due returns the number of tags that are due, and the time until the
		// next one is due.
		due := func() (n int, wait time.Duration) {
			for {
				tags, wait, err := next(t, p)
				require.NoError(t, err)
				if wait > 0 {
					require.Nil(t, p.piece.buf, "no buffer while nothing is due")
					return n, wait
				}
				n += len(tags)
			}
		}
		n, wait := due()
		require.Equal(t, 7, n) // 0 to 3 s
		require.Equal(t, 500*time.Millisecond, wait)
		time.Sleep(wait)
		n, wait = due()
		require.Equal(t, 1, n)
		require.Equal(t, 500*time.Millisecond, wait)
		time.Sleep(5*time.Second - time.Millisecond)
		n, wait = due()
		require.Equal(t, 9, n)
		require.Equal(t, time.Millisecond, wait)

		p.Pause()
		time.Sleep(time.Hour)
		p.Pause()
		_, wait = due()
		require.Equal(t, Forever, wait)
		p.Resume()
		p.Resume()
		_, wait = due()
		require.Equal(t, time.Millisecond, wait)
		p.SetBuffer(4 * time.Second)
		n, wait = due()
		require.Equal(t, 2, n)
		require.Equal(t, time.Millisecond, wait)

		require.NoError(t, p.Seek(t.Context(), 10*time.Second)) // the clock starts again
		n, wait = due()
		require.Equal(t, 9, n)
		require.Equal(t, 500*time.Millisecond, wait)
	})
}

// TestPlaysWhileRecorded checks that a recording in progress can be played while it grows.
func TestPlaysWhileRecorded(t *testing.T) {
	f, _ := newFolder(t, nil)
	synctest.Test(t, func(t *testing.T) {
		r, err := f.Record("a.flv", RecordOptions{})
		require.NoError(t, err)
		p, err := f.Play(t.Context(), "a.flv", all)
		require.NoError(t, err)
		defer p.Close()
		_, wait, err := next(t, p)
		require.NoError(t, err)
		require.Equal(t, followEvery, wait)
		for n := range uint32(5) {
			require.NoError(t, r.WriteTag(avc(byte(n))))
			require.NoError(t, r.WriteTag(key(n*1000)))
			require.NoError(t, r.WriteTag(big(n*1000+1, 100_000)))
			time.Sleep(followEvery)
			synctest.Wait()
			tags, wait, err := next(t, p)
			require.NoError(t, err)
			require.Zero(t, wait)
			for wait == 0 {
				var more []flv.Tag
				more, wait, err = next(t, p)
				require.NoError(t, err)
				tags = append(tags, more...)
			}
			require.Equal(t, big(n*1000+1, 100_000), tags[len(tags)-1])
			require.Equal(t, followEvery, wait)

			// Duration and Seek include what has been recorded since then.
			d, err := f.Duration(t.Context(), "a.flv")
			require.NoError(t, err)
			require.Equal(t, time.Duration(n*1000+1)*time.Millisecond, d)
			require.ErrorIs(t, p.Seek(t.Context(), d+time.Millisecond), ErrInvalidTime)
			require.NoError(t, p.Seek(t.Context(), d))
			tags, _, err = next(t, p)
			require.NoError(t, err)
			require.Contains(t, tags, at(avc(byte(n)), n*1000))
			for wait = 0; wait == 0; {
				_, wait, err = next(t, p)
				require.NoError(t, err)
			}
		}
		require.NoError(t, r.WriteTag(key(9000)))
		require.NoError(t, r.Close())
		tags, err := drain(t, p)
		require.Equal(t, io.EOF, err)
		require.Equal(t, []flv.Tag{key(9000)}, tags)
	})
}

// TestShrinks checks that playing ends with an error if the file becomes shorter while it is played.
func TestShrinks(t *testing.T) {
	f, dir := newFolder(t, map[string][]byte{"a.flv": fileOf(big(0, 70_000), big(40, 70_000), big(80, 70_000))})
	p := play(t, f, "a.flv", all)
	_, _, err := next(t, p)
	require.NoError(t, err)
	for _, size := range []int64{100_000, 10} {
		require.NoError(t, os.Truncate(filepath.Join(dir, "a.flv"), size))
		_, _, err = next(t, p)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
}

func TestClosedPlayer(t *testing.T) {
	f, _ := newFolder(t, map[string][]byte{"a.flv": seekable(t)})
	p := play(t, f, "a.flv", all)
	require.NoError(t, p.Close())
	_, err := p.Fill()
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, p.Seek(context.Background(), 0), ErrClosed)
	require.ErrorIs(t, p.Close(), ErrClosed)
}

// TestPlayAllocatesNothing checks that playing does not allocate for each tag.
func TestPlayAllocatesNothing(t *testing.T) {
	var tags []flv.Tag
	for n := range uint32(3000) {
		tags = append(tags, big(n*40, 1000+int(n)%4000))
	}
	f, _ := newFolder(t, map[string][]byte{"a.flv": fileOf(tags...)})
	p := play(t, f, "a.flv", all)
	var tag Tag
	n := testing.AllocsPerRun(50, func() {
		_, err := p.Fill()
		require.NoError(t, err)
		for p.Next(&tag) {
		}
	})
	require.Zero(t, n)
}
