package live

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/flv"
)

// TestLogLimits checks that a log drops messages that exceed its limits, and
// none that are exactly at a limit.
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
		{"as much as may be", []Message{{cost: 50}, {cost: 50}}, []uint64{1, 2}, 0},
		{"too much", []Message{{cost: 50}, {cost: 51}}, []uint64{2}, 0},
		{"one that is too much", []Message{{cost: 1}, {cost: 101}}, []uint64{2}, 0},
		{"as old as may be", []Message{{}, {at: time.Second}}, []uint64{1, 2}, 0},
		{"too old", []Message{{}, {at: time.Second + 1}}, []uint64{2}, 0},
		{"a key frame", []Message{{key: true, cost: 50}, {cost: 50}}, []uint64{1, 2}, 1},
		{"a key frame that is dropped", []Message{{key: true, cost: 50}, {cost: 51}}, []uint64{2}, 0},
	} {
		l := log{base: 1}
		for i := range test.messages {
			l.append(&test.messages[i], 100, time.Second)
		}
		assert.Equal(t, test.want, sequences(&l), test.name)
		assert.Equal(t, test.key, l.key, test.name)
		assert.Equal(t, test.want[len(test.want)-1]+1, l.end(), test.name)
	}

	l := log{base: 1}
	for range 5 {
		l.append(&Message{}, 100, time.Second)
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
			l.append(&Message{typ: flv.TagAudio, kind: flv.KindAudio, size: test.size}, 100, time.Second)
		}
		c := cursor{next: 1}
		before := []*Message{{}}
		got, p := l.take(&c, before, nil)
		assert.Len(t, got, 1+test.want, "%d bytes", test.size)
		assert.Equal(t, progress{more: true}, p)
		assert.Equal(t, uint64(1+test.want), c.next)
	}
}

func TestMessageHeader(t *testing.T) {
	assert.True(t, (&Message{kind: flv.KindHeader}).Header())
	assert.False(t, (&Message{kind: flv.KindAudio}).Header())
}
