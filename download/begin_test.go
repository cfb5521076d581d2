package download

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
)

func later(list []flv.Tag, by uint32) []flv.Tag {
	list = slices.Clone(list)
	for i := headers; i < len(list); i++ {
		list[i].Timestamp += by
	}
	return list
}

// TestBeginningThatNeverCame checks that a stream without its beginning is incomplete, even if the rest has no gaps.
func TestBeginningThatNeverCame(t *testing.T) {
	const duration = 10080 * time.Millisecond
	half := without(sample(t), func(tag flv.Tag) bool { return tag.Type != flv.TagScript && tag.Timestamp < 5000 })
	result, err := judged(t, half, duration, nil, io.EOF, false)
	assert.ErrorIs(t, err, ErrIncomplete)
	assert.Equal(t, Incomplete, result.Outcome)
	first := half[slices.IndexFunc(half, func(tag flv.Tag) bool { return tag.Type != flv.TagScript })].Timestamp
	assert.Equal(t, []Gap{{flv.TagAudio, 0, ms(first)}, {flv.TagVideo, 0, ms(first)}}, result.Gaps)

	result, err = judged(t, half, duration, nil, io.ErrUnexpectedEOF, false)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, ClosedEarly, result.Outcome)

	// A live stream has no beginning. If the duration is unknown, a missing beginning can't be noticed.
	result, err = judged(t, half, 0, nil, io.EOF, true)
	assert.NoError(t, err)
	assert.Equal(t, Complete, result.Outcome)
	result, err = judged(t, half, 0, nil, io.EOF, false)
	assert.NoError(t, err)
	assert.Equal(t, Complete, result.Outcome)
}

// TestTimesThatBeginLate checks that timestamps that begin late are not a gap if the stream is as long as its duration.
func TestTimesThatBeginLate(t *testing.T) {
	const duration = 10080 * time.Millisecond
	for _, by := range []time.Duration{900 * time.Millisecond, 5 * time.Second, 5 * time.Hour} {
		for _, end := range []error{io.EOF, io.ErrUnexpectedEOF} {
			result, err := judged(t, later(sample(t), uint32(by.Milliseconds())), duration, nil, end, false)
			assert.NoError(t, err, by)
			assert.Equal(t, Complete, result.Outcome, "%v: %+v", by, result)
		}
	}
}

// TestBeginningThatWasNotAskedFor checks that a download is complete if the server starts at any key frame near Options.Start.
func TestBeginningThatWasNotAskedFor(t *testing.T) {
	half := without(sample(t), func(tag flv.Tag) bool { return tag.Type != flv.TagScript && tag.Timestamp < 5000 })
	d, err := newDownload("rtmp://h/a/b", &Options{RTMP: &rtmp.Options{Start: 3 * time.Second}})
	assert.NoError(t, err)
	d.out, d.duration = newOutput(io.Discard, 0), 10080*time.Millisecond
	for _, tag := range half {
		assert.NoError(t, d.out.write(tag, nil))
	}
	assert.NoError(t, d.setOutcome(t.Context(), nil))
	assert.Equal(t, Complete, d.result.Outcome)
}
