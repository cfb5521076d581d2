package download

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func jumping(t *testing.T, at int, by time.Duration) []flv.Tag {
	all := rtmptest.SampleTags(t)
	for i := at; i < len(all); i++ {
		all[i].Timestamp += uint32(by.Milliseconds())
	}
	return all
}

// TestTimesThatJump checks downloads of recordings whose timestamps begin late or jump. Servers that pace recordings by their timestamps
// send these only to a client that announces a long buffer.
func TestTimesThatJump(t *testing.T) {
	for _, test := range []struct {
		name string
		at   int
		by   time.Duration
	}{
		{"begin at 4:39", headers, 1<<24*time.Millisecond - 5*time.Second},
		{"begin at 4:39 after the first picture", headers + 1, 1<<24*time.Millisecond - 5*time.Second},
		{"jump in the middle", 300, 5 * time.Hour},
		{"begin at 40:00", headers, 40 * time.Hour},
		{"jump in the middle, by 20 days", 300, 20 * 24 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				film := rtmptest.File(jumping(t, test.at, test.by)...)
				url, o := piped(t, testserver.Config{Realtime: true, Files: map[string][]byte{"film": film}})
				o.Timeout = 200 * time.Millisecond
				var got bytes.Buffer
				result, err := To(t.Context(), url+"film", &got, &Options{RTMP: o})
				assert.NoError(t, err)
				assert.Equal(t, Complete, result.Outcome, "%+v", result)
				assert.True(t, bytes.Equal(film, got.Bytes()))
			})
		})
	}
}

// TestCutAfterJump checks that a jump in the timestamps does not make a truncated recording seem complete.
func TestCutAfterJump(t *testing.T) {
	for _, at := range []int{headers, headers + 1, 100} {
		list := jumping(t, at, 5*time.Hour)
		result, err := judged(t, list[:400], 10080*time.Millisecond, nil, io.ErrUnexpectedEOF, false)
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Equal(t, ClosedEarly, result.Outcome)
		result, err = judged(t, list[:400], 10080*time.Millisecond, nil, io.EOF, false)
		assert.ErrorIs(t, err, ErrTruncated)
		assert.Equal(t, Truncated, result.Outcome)
	}
}
