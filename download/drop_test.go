package download

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// dropping returns what a client receives from a server that drops frames because its queue is full. Like nginx-rtmp, the server sends each
// timestamp as the difference from the previous frame, so later timestamps are too small by the duration of the dropped frames.
func dropping(list []flv.Tag, drop func(i int, tag flv.Tag) bool) []flv.Tag {
	var sent []flv.Tag
	late, last := map[flv.TagType]uint32{}, map[flv.TagType]uint32{}
	for i, tag := range list {
		at := tag.Timestamp
		if isFrame(kindOf(tag)) && drop(i, tag) {
			late[tag.Type] += at - last[tag.Type]
		} else {
			tag.Timestamp -= late[tag.Type]
			sent = append(sent, tag)
		}
		last[tag.Type] = at
	}
	return sent
}

func dropped(n ...int) func(int, flv.Tag) bool {
	return func(i int, _ flv.Tag) bool { return slices.Contains(n, i) }
}

// resumedFrom continues a file from a server that sends the tags in served.
func resumedFrom(t *testing.T, file, served []flv.Tag) (Result, []flv.Tag, error) {
	t.Helper()
	s := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"film": rtmptest.File(served...)}})
	path := filepath.Join(t.TempDir(), "out.flv")
	require.NoError(t, os.WriteFile(path, rtmptest.File(file...), 0o600))
	result, err := File(conntest.Context(t), s.URL("vod", "film"), path, &Options{Resume: true})
	s.Close()
	got, readErr := os.ReadFile(path)
	require.NoError(t, readErr)
	return result, rtmptest.Tags(t, got), err
}

// requireInOrder requires that the frames of each track in got are in the order of all, without repetition, and that timestamps do not
// decrease.
func requireInOrder(t *testing.T, all, got []flv.Tag, what string) {
	t.Helper()
	next, last := map[flv.TagType]int{}, map[flv.TagType]uint32{}
	for _, tag := range got {
		if !isFrame(kindOf(tag)) {
			continue
		}
		i := next[tag.Type]
		for i < len(all) && contentOf(all[i]) != contentOf(tag) {
			i++
		}
		require.Less(t, i, len(all), "%s: the frame at %d is repeated or out of order", what, tag.Timestamp)
		require.GreaterOrEqual(t, int32(tag.Timestamp-last[tag.Type]), int32(0), "%s: time goes back in a track", what)
		next[tag.Type], last[tag.Type] = i+1, tag.Timestamp
	}
}

// TestResumeDropped continues a file that lacks a few frames from a server that drops a few others. The result must be complete, and no
// frame may be written twice.
func TestResumeDropped(t *testing.T) {
	all := recording(40, 50)
	end := len(all)
	for name, test := range map[string]struct{ file, server []int }{
		"nothing":                          {nil, nil},
		"a picture in the file":            {[]int{end - 500}, nil},
		"sound in the file":                {[]int{indexBefore(all, end-500, isAudio)}, nil},
		"this time":                        {nil, []int{end - 300, end - 100}},
		"the end of the file":              {[]int{end - 1}, nil},
		"the end of what the server sends": {nil, []int{end - 1}},
		"the end of both tracks of what the server sends": {nil, []int{end - 1, end - 2, end - 3}},
		"both":         {[]int{700, 1200, end - 90, end - 44}, []int{900, end - 100, end - 60, end - 7}},
		"much earlier": {[]int{100, 200, 300, 400}, []int{150, 250}},
	} {
		file := dropping(all, dropped(test.file...))
		result, got, err := resumedFrom(t, file, dropping(all, dropped(test.server...)))
		require.NoError(t, err, "%s: %+v", name, result)
		require.Equal(t, Complete, result.Outcome, name)
		requireInOrder(t, all, got, name)
		require.GreaterOrEqual(t, len(got), len(file)-len(test.server), name)
	}
}

func indexBefore(list []flv.Tag, i int, of func(flv.Tag) bool) int {
	for i--; !of(list[i]); i-- {
	}
	return i
}

// TestResumeDroppedAnywhere drops random frames, and cuts the file at random places.
func TestResumeDroppedAnywhere(t *testing.T) {
	all := recording(40, 50)
	random := rand.New(rand.NewPCG(1, 2))
	some := func(int, flv.Tag) bool { return random.IntN(150) == 0 }
	for n := range 20 {
		file := dropping(all, some)
		file = file[:len(file)-random.IntN(2)*random.IntN(len(file)/2)]
		served := dropping(all, some)
		what := fmt.Sprintf("run %d, %d of %d tags", n, len(file), len(all))
		result, got, err := resumedFrom(t, file, served)
		require.NoError(t, err, "%s: %+v", what, result)
		requireInOrder(t, all, got, what)
		require.Equal(t, Complete, result.Outcome, what)
		require.Greater(t, len(got), len(all)*97/100, what)
	}
}

// TestResumeDroppedSeeking is like TestResumeDroppedAnywhere, for the different ways in which servers seek.
func TestResumeDroppedSeeking(t *testing.T) {
	all := recording(40, 2)
	random := rand.New(rand.NewPCG(3, 4))
	for _, oneIn := range []int{50, 150, 600} {
		some := func(int, flv.Tag) bool { return random.IntN(oneIn) == 0 }
		for _, server := range []string{"absolute", "relative", "the key frame before", "from the beginning"} {
			for n := range 10 {
				file := dropping(all, some)
				file = file[:len(file)-random.IntN(2)*random.IntN(len(file)/2)]
				what := fmt.Sprintf("%s, one in %d, run %d, %d of %d tags", server, oneIn, n, len(file), len(all))
				after, result, err := continued(t, rtmptest.File(file...), Options{}, func(from time.Duration) ([]flv.Tag, error) {
					return dropping(servers[server](all, from), some), io.EOF
				})
				if err != nil { // the fake player's duration differs
					require.ErrorIs(t, err, ErrTruncated, "%s: %+v", what, result)
				}
				got := rtmptest.Tags(t, after)
				requireInOrder(t, all, got, what)
				require.Greater(t, len(got), len(all)*(oneIn-4)/oneIn, what)
			}
		}
	}
}

// TestResumeDroppedSilence checks a file that ends with silence, whose frames are all equal. Only the frames before them show where the
// file ends.
func TestResumeDroppedSilence(t *testing.T) {
	all := recording(40, 5)
	for i, tag := range all {
		if kindOf(tag) == flv.KindAudio && i%200 > 20 {
			all[i].Body = []byte{0xaf, 1, 0x21}
		}
	}
	random := rand.New(rand.NewPCG(5, 6))
	some := func(int, flv.Tag) bool { return random.IntN(100) == 0 }
	for range 20 {
		file := dropping(all, some)
		after, _, err := continued(t, rtmptest.File(file...), Options{}, func(time.Duration) ([]flv.Tag, error) {
			return dropping(all, some), io.EOF
		})
		require.NoError(t, err)
		got := rtmptest.Tags(t, after)
		requireInOrder(t, without(all, isAudio), without(got, isAudio), "pictures")
		require.InDelta(t, len(all), len(got), float64(len(all))/20)
	}
}
