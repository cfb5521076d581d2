package download

import (
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReportsAreFewAndComplete checks that Progress is called at most ten times a second, and that the last call reports all of the data.
func TestReportsAreFewAndComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []Progress
		d, err := newDownload("rtmp://h/a/b", &Options{Progress: func(p *Progress) { told = append(told, *p) }})
		require.NoError(t, err)
		d.out, d.duration = newOutput(io.Discard, 0), 100*time.Second
		d.pace = newPace(mark{time: time.Now()})
		d.report(Progress{Phase: Connecting})
		d.report(Progress{Phase: Connecting})
		for range 10_000 { // ten seconds
			time.Sleep(time.Millisecond)
			d.out.tail.end += 1000
			d.position += 2
			d.report(Progress{Phase: Receiving})
		}
		d.reportLast()
		d.reportLast()
		assert.Equal(t, Connecting, told[1].Phase)
		assert.InDelta(t, 103, len(told), 2)
		last := told[len(told)-1]
		assert.EqualValues(t, 10_000_000, last.Size)
		assert.InDelta(t, 1_000_000, last.Rate, 1000)
		assert.InDelta(t, 40, last.Remaining.Seconds(), 0.1)
		assert.True(t, slices.IsSortedFunc(told, func(a, b Progress) int { return int(a.Size - b.Size) }))
	})
}

// TestPace checks that the pace is measured over the last seconds, without the bytes that a resumed file already had.
func TestPace(t *testing.T) {
	began := time.Unix(1000, 0)
	p := newPace(mark{began, 1 << 30, time.Hour})
	rate, remaining := p.at(mark{began.Add(time.Second), 1<<30 + 500, time.Hour + 10*time.Second}, 2*time.Hour)
	assert.Equal(t, 500.0, rate)
	assert.Equal(t, 359*time.Second, remaining)
	for s := 2; s <= 30; s++ {
		rate, remaining = p.at(mark{began.Add(time.Duration(s) * time.Second), 1<<30 + 500 + int64(s), time.Hour + 10*time.Second}, 2*time.Hour)
	}
	assert.Equal(t, 1.0, rate)
	assert.Zero(t, remaining, "no progress")
	assert.EqualValues(t, 1<<30, p.first.size)
	rate, _ = p.at(mark{began.Add(31 * time.Second), 0, 0}, 0)
	assert.Zero(t, rate, "the file was cut")
}
