package relay

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
)

func TestLine(t *testing.T) {
	const audio, video, lost = 'a', 'v', '-'
	type step struct {
		what byte   // a frame of audio or video, or the loss of the connection
		at   uint32 // its timestamp
		now  int    // ms
		want int64  // ms
		jump bool
		gap  int // ms
	}
	for name, steps := range map[string][]step{
		"begins at 0": {{audio, 5000, 0, 0, false, 0}, {video, 5020, 0, 20, false, 0}, {audio, 5023, 23, 23, false, 0}},
		"the first frame of the other kind is earlier": {{video, 5000, 0, 0, false, 0}, {audio, 4990, 0, 0, false, 0}, {audio, 5013, 20, 13, false, 0}},
		"the server keeps counting": {{video, 1000, 0, 0, false, 0}, {video, 1040, 40, 40, false, 0}, {what: lost},
			{video, 6100, 5000, 5100, true, 5060}, {audio, 6090, 5000, 5090, false, 0}, {video, 6140, 5040, 5140, false, 0}},
		"it keeps counting, and has stored a second": {{video, 1000, 0, 0, false, 0}, {video, 1040, 40, 40, false, 0}, {what: lost},
			{video, 5000, 5000, 4000, true, 3960}, {video, 6000, 5000, 5000, false, 0}, {video, 6040, 5040, 5040, false, 0}},
		"it begins at 0 again": {{video, 1000, 0, 0, false, 0}, {video, 21000, 20000, 20000, false, 0}, {what: lost},
			{video, 0, 80000, 80000, true, 60000}, {audio, 10, 80000, 80010, false, 0}, {video, 40, 80040, 80040, false, 0}},
		"it begins again with what it has stored, several times": {{video, 0, 0, 0, false, 0}, {video, 2000, 0, 2000, false, 0},
			{video, 12000, 10000, 12000, false, 0}, {what: lost}, {video, 0, 11000, 12001, true, 1}, {video, 2000, 11000, 14001, false, 0},
			{video, 12000, 21000, 24001, false, 0}, {what: lost}, {video, 0, 30000, 31001, true, 7000}},
		"it begins again within one connection": {{video, 100000, 0, 0, false, 0}, {audio, 100010, 0, 10, false, 0}, {audio, 0, 5010, 5020, true, 5010},
			{video, 20, 5030, 5040, false, 0}, {audio, 23, 5033, 5043, false, 0}},
		"time goes back a little":                     {{audio, 0, 0, 0, false, 0}, {audio, 500, 500, 500, false, 0}, {audio, 480, 523, 500, false, 0}, {audio, 503, 546, 503, false, 0}},
		"time goes back":                              {{video, 0, 0, 0, false, 0}, {video, 60000, 60000, 60000, false, 0}, {video, 50000, 60040, 60040, true, 40}, {audio, 50010, 60050, 60050, false, 0}},
		"time jumps ahead":                            {{video, 0, 0, 0, false, 0}, {video, 3600000, 40, 40, true, 40}, {video, 3600040, 80, 80, false, 0}},
		"a track is silent":                           {{video, 0, 0, 0, false, 0}, {audio, 0, 0, 0, false, 0}, {video, 60000, 60000, 60000, false, 0}, {audio, 60010, 60010, 60010, false, 0}},
		"a track is far behind":                       {{video, 0, 0, 0, false, 0}, {video, 3000, 0, 3000, false, 0}, {audio, 0, 0, 0, false, 0}, {audio, 23, 0, 23, false, 0}},
		"past 2^32":                                   {{video, 1<<32 - 20, 0, 0, false, 0}, {video, 20, 40, 40, false, 0}, {what: lost}, {video, 1040, 1100, 1060, true, 1020}},
		"two connections lost before the first frame": {{video, 0, 0, 0, false, 0}, {what: lost}, {what: lost}, {video, 7, 0, 7, true, 7}},
	} {
		t.Run(name, func(t *testing.T) {
			var l line
			begin := time.Now()
			for i, s := range steps {
				if s.what == lost {
					l.restart()
					continue
				}
				at, gap, jump := l.frame(trackID{video: s.what == video}, s.at, begin.Add(time.Duration(s.now)*time.Millisecond))
				assert.Equal(t, step{s.what, s.at, s.now, at, jump, int(gap.Milliseconds())}, s, "step %d", i)
			}
		})
	}
}

// FuzzLine checks that the positions of each track never go back, for any timestamps.
func FuzzLine(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 10, 1, 0, 0, 40, 10, 2, 0, 0, 0, 100, 0, 0xFF, 0xFF, 0xFF, 10})
	f.Add([]byte{1, 0x80, 0, 0, 0, 1, 0, 0, 0, 200, 0, 0x7F, 0xFF, 0xFF, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var l line
		now := time.Now()
		last := [2]int64{}
		for ; len(b) >= 5; b = b[5:] {
			if b[0]&2 != 0 {
				l.restart()
			}
			now = now.Add(time.Duration(b[4]) * 100 * time.Millisecond)
			timestamp := uint32(b[1])<<24 | uint32(b[2])<<12 | uint32(b[3])
			if b[0]&4 != 0 {
				l.join(timestamp, l.end.at-int64(b[4]), now)
			}
			if l.repeats(trackID{video: b[0]&1 != 0}, timestamp) {
				continue
			}
			at, gap, _ := l.frame(trackID{video: b[0]&1 != 0}, timestamp, now)
			if at < last[b[0]&1] || gap < 0 {
				t.Fatalf("%d after %d, gap %v", at, last[b[0]&1], gap)
			}
			last[b[0]&1] = at
		}
	})
}

func TestAllocations(t *testing.T) {
	tags := sampleTags(t)
	var key, frame, sound rtmp.Packet
	for _, tag := range tags {
		switch kind, _ := flv.KindOf(tag); kind {
		case flv.KindKeyFrame:
			key = *packetOf(tag)
		case flv.KindFrame:
			frame = *packetOf(tag)
		case flv.KindAudio:
			sound = *packetOf(tag)
		}
	}
	var f frames
	f.restart(nil, time.Now())
	now := time.Now()
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		for _, pkt := range []*rtmp.Packet{&key, &frame, &sound} {
			f.accept(pkt, now)
		}
	}))
	refused := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }
	p := &Publisher{URLs: []string{"rtmp://x/y/z"}, Options: &rtmp.Options{DialContext: refused}, Backoff: Backoff{Min: time.Hour, Max: time.Hour}}
	defer p.Close()
	write := func() {
		if p.WritePacket(&sound) != nil {
			t.Fail()
		}
		p.mu.Lock()
		p.queue.Pop()
		p.mu.Unlock()
	}
	write()
	assert.Zero(t, testing.AllocsPerRun(1000, write))
}
