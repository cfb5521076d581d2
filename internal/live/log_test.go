package live

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/flv"
)

// newest is stream.slowest of a stream without members.
func newest(sequence uint64) uint64 { return sequence }

// TestLogLimits checks that a log drops messages that exceed its limits, and none that just reach a limit.
func TestLogLimits(t *testing.T) {
	sequences := func(l *log) (all []uint64) {
		for _, m := range l.messages {
			all = append(all, m.sequence)
		}
		return all
	}
	for _, test := range []struct {
		name     string
		messages []Message
		want     []uint64
		key      uint64
	}{
		{"as much as may be", []Message{{cost: 50}, {cost: 50}, {}}, []uint64{1, 2, 3}, 0},
		{"too much", []Message{{cost: 50}, {cost: 51}, {}}, []uint64{2, 3}, 0},
		{"one that is too much", []Message{{cost: 100}, {cost: 101}}, []uint64{1, 2}, 0},
		{"one before it that is too much", []Message{{cost: 1}, {cost: 101}, {}}, []uint64{3}, 0},
		{"as old as may be", []Message{{}, {at: time.Second}}, []uint64{1, 2}, 0},
		{"too old", []Message{{}, {at: time.Second + 1}}, []uint64{2}, 0},
		{"a key frame", []Message{{key: true, cost: 50}, {cost: 50}, {}}, []uint64{1, 2, 3}, 1},
		{"a key frame that is dropped", []Message{{key: true, cost: 50}, {cost: 51}, {}}, []uint64{2, 3}, 0},
	} {
		l := log{base: 1}
		for i := range test.messages {
			l.append(&test.messages[i], 100, time.Second, newest)
		}
		assert.Equal(t, test.want, sequences(&l), test.name)
		assert.Equal(t, test.key, l.key, test.name)
		assert.Equal(t, test.want[len(test.want)-1]+1, l.end(), test.name)
	}

	l := log{base: 1}
	for range 5 {
		l.append(&Message{}, 100, time.Second, newest)
	}
	l.keep(3)
	assert.Equal(t, []uint64{3, 4, 5}, sequences(&l))
	l.keep(9)
	assert.Equal(t, []uint64{5}, sequences(&l), "the newest stays")
}

// TestLogBatches checks the number of messages and bytes at which a batch ends.
func TestLogBatches(t *testing.T) {
	for _, test := range []struct{ size, want int }{
		{0, batchMessages}, {batchBytes / 2, 2}, {batchBytes/2 - 1, 3}, {batchBytes, 1},
	} {
		l := log{base: 1}
		for range 2 * batchMessages {
			l.append(&Message{typ: flv.TagAudio, kind: flv.KindAudio, size: test.size}, 100, time.Second, newest)
		}
		c := cursor{next: 1}
		before := []*Message{{}}
		got, p := l.take(&c, before, nil)
		assert.Len(t, got, 1+test.want, "%d bytes", test.size)
		assert.Equal(t, progress{more: true}, p)
		assert.Equal(t, uint64(1+test.want), c.next)
	}
}

// TestResume checks where a player continues after a pause. This must be the message at which it was paused. If there is a later key frame,
// or if the log has dropped messages that the player has not received, it must be the newest key frame.
func TestResume(t *testing.T) {
	for _, test := range []struct {
		name      string
		key, next uint64 // the log contains 5, 6 and 7
		want      cursor
	}{
		{"nothing was dropped", 0, 5, cursor{next: 5}},
		{"a message was dropped", 0, 4, cursor{next: 8, waiting: true}},
		{"a message was dropped, and there is a key frame", 6, 4, cursor{next: 6}},
		{"a key frame has come", 6, 5, cursor{next: 6}},
		{"the key frame is next", 6, 6, cursor{next: 6}},
		{"no key frame has come", 6, 7, cursor{next: 7}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := log{base: 5, key: test.key, video: true, messages: []*Message{{}, {}, {}}}
			c := cursor{next: test.next}
			c.resume(&l)
			assert.Equal(t, test.want.next, c.next)
			assert.Equal(t, test.want.waiting, c.waiting)
		})
	}
}

// TestMissedBeforeATakeover checks a player that continues at a key frame of the previous publisher. It must also count as missed the
// pictures that it can't decode until the takeover.
func TestMissedBeforeATakeover(t *testing.T) {
	before, after := new(publication), new(publication)
	picture := func(from *publication, kind flv.Kind, track uint8) *Message {
		return &Message{from: from, typ: flv.TagVideo, kind: kind, track: track, key: kind == flv.KindKeyFrame}
	}
	l := log{base: 3, video: true} // 1 and 2 were dropped
	for _, m := range []*Message{
		picture(before, flv.KindKeyFrame, 0), picture(before, flv.KindFrame, 1), picture(before, flv.KindFrame, 0), picture(after, flv.KindFrame, 0),
	} {
		l.append(m, 100, time.Second, newest)
	}
	c := cursor{next: 1}
	got, p := l.take(&c, nil, nil)
	assert.Equal(t, []*Message{l.messages[0], l.messages[2]}, got)
	assert.Equal(t, progress{missed: 3, resyncs: 1}, p)
}

// TestHeaderSetCost checks that the cost of a set is at least the memory that it occupies.
func TestHeaderSetCost(t *testing.T) {
	for n := range 10 {
		set := headerSet{tags: make([]flv.Tag, n)}
		assert.GreaterOrEqual(t, set.cost(), int(unsafe.Sizeof(set))+n*int(unsafe.Sizeof(flv.Tag{})), "%d headers", n)
	}
}

func TestMessageHeader(t *testing.T) {
	assert.True(t, (&Message{kind: flv.KindHeader}).Header())
	assert.False(t, (&Message{kind: flv.KindAudio}).Header())
}
