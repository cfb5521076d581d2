package download

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
)

// livePlayer plays the tags of a live stream when they are due.
type livePlayer struct {
	fakePlayer
	began time.Time // of the stream
	tags  []flv.Tag // with the times of the stream
	base  uint32    // subtracted from the times that are sent
}

func (p *livePlayer) play(ctx context.Context, w io.Writer) error {
	for _, tag := range p.tags {
		time.Sleep(time.Until(p.began.Add(ms(tag.Timestamp))))
		tag.Timestamp -= p.base
		if _, err := w.Write(flv.AppendTag(nil, tag)); err != nil {
			return err
		}
	}
	if p.err == io.EOF {
		return nil
	}
	return p.err
}

// newLive returns a download of a live stream that recovers, and the name of its file.
func newLive(t *testing.T) (d *download, path string) {
	t.Helper()
	d, err := newDownload("rtmp://h/a/b", &Options{RTMP: &rtmp.Options{Live: true}, Recover: impatient()})
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), "out.flv")
	d.out, err = createOutput(path, 0)
	require.NoError(t, err)
	return d, path
}

// TestLiveStreamThatRepeatsItself checks that a gap is not hidden if a live stream that repeats itself every 4 seconds is joined by its
// content, whether or not the server's timestamps begin anew, and that there is no gap if the server sends everything since the last key
// frame again.
func TestLiveStreamThatRepeatsItself(t *testing.T) {
	all := recording(40, 2)
	for i, tag := range all[headers:] {
		all[headers+i].Body = slices.Clone(all[headers+i%(4*25*2)].Body)
		require.Equal(t, tag.Type, all[headers+i].Type)
	}
	part := func(from, to uint32) []flv.Tag {
		list := slices.Clone(all[:headers])
		for i := range list {
			list[i].Timestamp = from
		}
		for _, tag := range all[headers:] {
			if tag.Timestamp >= from && tag.Timestamp < to {
				list = append(list, tag)
			}
		}
		return list
	}
	for _, test := range []struct {
		name      string
		lost, now uint32 // when the connection is lost and when the next one is made, in ms
		from      uint32 // where the server begins
		relative  bool   // the timestamps begin at 0
		gap       time.Duration
	}{
		{"a gap", 11_000, 20_500, 20_000, false, 9 * time.Second},
		{"a gap, new timestamps", 11_000, 20_500, 20_000, true, 12 * time.Second}, // three seconds are taken for the end of the file
		{"no gap", 11_000, 11_900, 10_000, false, 0},
		{"no gap, new timestamps", 11_000, 11_900, 10_000, true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, path := newLive(t)
				began, sessions := time.Now(), 0
				d.open = func(context.Context, time.Duration) (player, error) {
					sessions++
					if sessions == 1 {
						return &livePlayer{fakePlayer{err: io.ErrUnexpectedEOF}, began, part(0, test.lost), 0}, nil
					}
					time.Sleep(time.Until(began.Add(ms(test.now))))
					base := uint32(0)
					if test.relative {
						base = test.from
					}
					return &livePlayer{fakePlayer{err: io.EOF}, began, part(test.from, 40_000), base}, nil
				}
				result, err := d.run(t.Context())
				require.Len(t, result.Splices, 1)
				assert.InDelta(t, test.gap, result.Splices[0].Gap, float64(time.Second))
				if test.gap > 0 {
					assert.ErrorIs(t, err, ErrIncomplete)
					return
				}
				require.NoError(t, err)
				file, err := os.ReadFile(path)
				require.NoError(t, err)
				assert.Equal(t, all, rtmptest.Tags(t, file))
			})
		})
	}
}

// loseFirstSession makes the first session of d end after 20 s of media. The second repeats the last 2 s of these, 3 s later, and has the rest.
func loseFirstSession(d *download, all []flv.Tag) {
	began, sessions := time.Now(), 0
	d.open = func(context.Context, time.Duration) (player, error) {
		if sessions++; sessions == 1 {
			return &livePlayer{fakePlayer{err: io.ErrUnexpectedEOF}, began, all[:headers+20*50], 0}, nil
		}
		return &livePlayer{fakePlayer{err: io.EOF}, began.Add(3 * time.Second), slices.Concat(all[:headers], all[headers+18*50:]), 0}, nil
	}
}

// TestServerWithMoreDelay checks that a live stream is complete if it continues on a server that is further behind the clock, although
// nothing is missing: what was joined is in the file only once, so the stream does not repeat itself.
func TestServerWithMoreDelay(t *testing.T) {
	all := recording(40, 2)
	synctest.Test(t, func(t *testing.T) {
		d, path := newLive(t)
		loseFirstSession(d, all)
		result, err := d.run(t.Context())
		require.NoError(t, err)
		require.Len(t, result.Splices, 1)
		assert.True(t, result.Splices[0].ByContent)
		assert.Zero(t, result.Splices[0].Gap)
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, all, rtmptest.Tags(t, file))
	})
}

// TestStopOfALiveStream checks that Stop ends a live stream that two sessions have played, although the server counts from the beginning of
// the second.
func TestStopOfALiveStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := recording(40, 2)
		d, path := newLive(t)
		d.target.options.Stop = 30 * time.Second
		loseFirstSession(d, all)
		result, err := d.run(t.Context())
		require.NoError(t, err)
		assert.Equal(t, Complete, result.Outcome)
		assert.True(t, result.Ended)
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, all[:headers+30*50], rtmptest.Tags(t, file))
	})
}
