package relay

import (
	"bytes"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// assertEveryFrame asserts that tags have every frame of the sample, which repeats itself, from their first ones on. The tracks are only those
// of kinds, or audio and video.
func assertEveryFrame(t *testing.T, tags []flv.Tag, kinds ...flv.TagType) {
	t.Helper()
	if len(kinds) == 0 {
		kinds = []flv.TagType{flv.TagAudio, flv.TagVideo}
	}
	for _, kind := range kinds {
		of := func(tags []flv.Tag) (frames []flv.Tag) {
			for _, tag := range tags {
				if tag.Type == kind && !flv.IsHeader(tag) {
					frames = append(frames, tag)
				}
			}
			return frames
		}
		got, want := of(tags), of(sampleTags(t))
		require.NotEmpty(t, got)
		at := 0
		for !bytes.Equal(got[0].Body, want[at].Body) {
			at++
		}
		for i, tag := range got {
			require.True(t, bytes.Equal(tag.Body, want[(at+i)%len(want)].Body), "%v %d of %d at %s", kind, i, len(got), ms(tag.Timestamp))
		}
	}
}

// TestPlayerStoredMedia checks that nothing is repeated if a server begins a new connection with what it has sent before.
func TestPlayerStoredMedia(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var last atomic.Pointer[testserver.Session]
		server := n.serve("source", testserver.Config{OnConnect: func(s *testserver.Session) { last.Store(s) }})
		defer server.Close()
		defer onAir(t, &n, newEncoder(t))()
		synctest.Wait()
		p := &Player{URL: "rtmp://source/live/cam", Options: n.options(), Backoff: Backoff{Healthy: time.Second}}
		defer p.Close()
		tags := read(t, p, 20500*time.Millisecond) // half a second after a key frame: the next one comes after the Player has reconnected
		for range 3 {
			last.Load().Close()
			tags = append(tags, read(t, p, 10*time.Second)...)
		}
		assertEveryFrame(t, tags)
		assert.LessOrEqual(t, assertLine(t, tags), 71*time.Millisecond, "the step at the end of the sample")
		s := p.Stats()
		assert.EqualValues(t, 4, s.Connections)
		assert.Zero(t, s.Gaps)
		assertPlayerStats(t, p, len(tags))
	})
}

// TestStoredMedia checks which frames of a second connection count as repeated.
func TestStoredMedia(t *testing.T) {
	type frame struct {
		what byte   // key frame, picture or sound: 'k', 'p', 's'
		body byte   // its content
		at   uint32 // its timestamp
		now  int    // in ms
	}
	before := []frame{{'k', 1, 1000, 0}, {'s', 2, 1010, 10}, {'k', 3, 2000, 1000}, {'s', 4, 2010, 1010}, {'p', 5, 2040, 1040}}
	for _, test := range []struct {
		name      string
		first     []frame
		second    []frame
		delivered string // those of second, and their positions
	}{
		{"the timestamps continue", before,
			[]frame{{'k', 3, 2000, 5000}, {'s', 4, 2010, 5000}, {'p', 5, 2040, 5000}, {'p', 6, 2080, 5000}, {'s', 7, 2033, 5000}}, "p1.08s s1.033s "},
		{"the timestamps begin at 0", before,
			[]frame{{'k', 3, 0, 5000}, {'s', 4, 10, 5000}, {'p', 5, 40, 5000}, {'p', 6, 80, 5000}, {'s', 7, 33, 5000}}, "p1.08s s1.033s "},
		{"an older key frame", before,
			[]frame{{'k', 1, 0, 5000}, {'s', 2, 10, 5000}, {'k', 3, 1000, 5000}, {'p', 5, 1040, 5000}, {'p', 6, 1080, 5000}}, "p1.08s "},
		{"another key frame", before, []frame{{'k', 8, 0, 5000}, {'s', 9, 10, 5000}, {'p', 10, 40, 5000}}, "k5s s5.01s p5.04s "},
		{"too old", before, []frame{{'k', 3, 0, 40_000}, {'p', 5, 40, 40_000}}, "k40s p40.04s "},
		{"the same key frame twice, and the timestamps continue", []frame{{'k', 1, 1000, 0}, {'k', 1, 2000, 1000}, {'p', 2, 2040, 1040}},
			[]frame{{'k', 1, 2000, 5000}, {'p', 2, 2040, 5000}, {'p', 3, 2080, 5000}}, "p1.08s "},
		{"the same key frame twice, and the timestamps begin at 0", []frame{{'k', 1, 1000, 0}, {'k', 1, 2000, 1000}, {'p', 2, 2040, 1040}},
			[]frame{{'k', 1, 0, 5000}, {'p', 2, 40, 5000}}, "k5s p5.04s "},
		{"the stream repeats itself, and the timestamps continue", before, []frame{{'k', 3, 6000, 5000}, {'p', 5, 6040, 5040}}, "k5s p5.04s "},
		{"sound only", []frame{{'s', 1, 1000, 0}, {'s', 2, 1023, 23}, {'s', 3, 1046, 46}},
			[]frame{{'s', 2, 0, 500}, {'s', 3, 23, 500}, {'s', 4, 46, 500}}, "s69ms "},
		{"the file is published once more", []frame{{'k', 1, 0, 0}, {'p', 2, 1000, 1000}, {'k', 3, 2000, 2000}, {'p', 4, 6000, 6000}},
			[]frame{{'k', 1, 0, 8000}, {'p', 2, 1000, 9000}, {'k', 3, 2000, 10_000}, {'p', 5, 3000, 11_000}, {'k', 6, 4000, 12_000}, {'p', 4, 4040, 12_040}},
			"k12s p12.04s "},
		{"two tracks with the same timestamps", []frame{{'k', 1, 0, 0}, {'K', 2, 0, 0}, {'p', 3, 40, 40}},
			[]frame{{'k', 1, 0, 500}, {'K', 2, 0, 500}, {'p', 3, 40, 500}, {'P', 4, 40, 500}, {'p', 5, 80, 500}}, "P40ms p80ms "},
	} {
		t.Run(test.name, func(t *testing.T) {
			var f frames
			begin := time.Now()
			accept := func(list []frame) (text string) {
				f.restart(nil, begin)
				for _, x := range list {
					pkt := rtmp.Packet{Type: message.TypeVideo, Timestamp: x.at}
					switch x.what {
					case 'k':
						pkt.Body = []byte{0x17, 1, 0, 0, 0, x.body}
					case 'p':
						pkt.Body = []byte{0x27, 1, 0, 0, 0, x.body}
					case 'K': // of track 1
						pkt.Body = []byte{0x96, 0x01, 'a', 'v', 'c', '1', 1, 0, 0, 0, x.body}
					case 'P':
						pkt.Body = []byte{0xa6, 0x01, 'a', 'v', 'c', '1', 1, 0, 0, 0, x.body}
					case 's':
						pkt.Type, pkt.Body = message.TypeAudio, []byte{0xaf, 1, x.body}
					}
					if f.accept(&pkt, begin.Add(time.Duration(x.now)*time.Millisecond)).action == delivered {
						text += string(x.what) + ms(pkt.Timestamp) + " "
					}
				}
				return text
			}
			accept(test.first)
			assert.Equal(t, test.delivered, accept(test.second))
		})
	}
}
