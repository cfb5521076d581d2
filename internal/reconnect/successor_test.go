package reconnect

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/flv"
)

// TestBegin checks how many tags are read before a stream can be continued.
func TestBegin(t *testing.T) {
	sound := func(at uint32) flv.Tag { return flv.Tag{Type: flv.TagAudio, Timestamp: at, Body: []byte{0xaf, 1, 0}} }
	key := func(at uint32) flv.Tag {
		return flv.Tag{Type: flv.TagVideo, Timestamp: at, Body: []byte{0x17, 1, 0, 0, 0, 0}}
	}
	header := flv.Tag{Type: flv.TagAudio, Body: []byte{0xaf, 0, 0}}
	for _, test := range []struct {
		name  string
		video bool
		tags  []flv.Tag
		read  int
		err   error
	}{
		{"sound and pictures", true, []flv.Tag{header, sound(0), key(900), sound(910), sound(1400), sound(1410)}, 5, nil},
		{"sound", false, []flv.Tag{header, sound(0), sound(499), sound(500), sound(510)}, 4, nil},
		{"no key frame", true, []flv.Tag{header, sound(0), sound(900)}, 3, io.EOF},
		{"the end after a key frame", true, []flv.Tag{key(0), sound(10)}, 2, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			read := 0
			err := Begin(func(tag *flv.Tag) error {
				if read == len(test.tags) {
					return io.EOF
				}
				*tag = test.tags[read]
				read++
				return nil
			}, test.video)
			assert.Equal(t, test.err, err)
			assert.Equal(t, test.read, read)
		})
	}
	n := 0
	assert.NoError(t, Begin(func(tag *flv.Tag) error { n++; *tag = sound(0); return nil }, true))
	assert.LessOrEqual(t, n, maxFirst/TagSize, "small tags without end")
}

func TestSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, ready, began := 0, 0, time.Now()
		s := Succeed(t.Context(), time.Minute, time.Second, time.Second, func(context.Context) (int, bool) {
			tries++
			return tries, tries == 3
		}, func() { ready++ })
		assert.False(t, s.Ready())
		<-s.done
		synctest.Wait()
		assert.InDelta(t, 62, time.Since(began).Seconds(), 1)
		assert.True(t, s.Ready())
		conn, ok := s.Take()
		assert.True(t, ok)
		assert.Equal(t, []int{3, 1}, []int{conn, ready})

		s = Succeed(t.Context(), time.Minute, 0, 0, func(context.Context) (int, bool) { return 1, true }, func() { ready++ })
		_, ok = s.Take()
		assert.False(t, ok, "taken before it has tried")
		assert.Equal(t, 1, ready)
	})
}
