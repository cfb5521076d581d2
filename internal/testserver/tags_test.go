package testserver_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func TestTags(t *testing.T) {
	tags := rtmptest.SampleTags(t)[:3]
	whole := rtmptest.File(tags...)
	for name, test := range map[string]struct {
		file []byte
		want int // number of tags before the error
	}{
		"empty":             {nil, 0},
		"part of a header":  {whole[:5], 0},
		"not FLV":           {[]byte("FLX\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"), 0},
		"cut in a tag":      {whole[:len(whole)-10], 2},
		"cut in its header": {rtmptest.File(tags[0])[:13+5], 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := testserver.Tags(test.file)
			require.Error(t, err)
			rtmptest.EqualTags(t, tags[:test.want], got)
		})
	}
	got := rtmptest.Tags(t, whole)
	rtmptest.EqualTags(t, tags, got)
	got[0].Body[0] ^= 0xFF
	again := rtmptest.Tags(t, whole)
	rtmptest.EqualTags(t, tags, again)
}
