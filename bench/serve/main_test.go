package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/bench/media"
	"github.com/go-librtmp/rtmp/message"
)

// TestQuick checks that a quick run measures our server and the floor, and writes tables and charts.
func TestQuick(t *testing.T) {
	t.Chdir("..") // the module from which the programs are built
	*quick, *out = true, t.TempDir()
	require.NoError(t, run(t.Context()))
	for _, tr := range trials() {
		if tr.quick {
			text, err := os.ReadFile(filepath.Join(*out, tr.file+".md"))
			require.NoError(t, err)
			assert.Contains(t, string(text), "### "+tr.title)
			assert.FileExists(t, filepath.Join(*out, tr.file+".svg"))
		}
	}
}

// TestStallingCheck checks what a stalling player accepts. A gap must end with a key frame, of which there is one every two seconds,
// and each picture must be the same as the one that was sent.
func TestStallingCheck(t *testing.T) {
	run := media.Build("2mbit")
	for name, test := range map[string]struct {
		times         []uint32
		damage        bool
		skips, broken int64
	}{
		"all there":            {times: []uint32{0, 40}},
		"from run to run":      {times: []uint32{19960, 20000}},
		"a gap":                {times: []uint32{0, 80}, skips: 1, broken: 1},
		"a gap to a key frame": {times: []uint32{40, 2000}, skips: 1},
		"damaged":              {times: []uint32{0, 40}, damage: true, broken: 1},
		"never sent":           {times: []uint32{0, 41}, skips: 1, broken: 2},
	} {
		s := &stalling{run: run}
		for i, at := range test.times {
			body := slices.Clone(run.Picture(at % run.DurMs / pictureLength * pictureLength))
			if test.damage && i == 1 {
				body[len(body)-1]++
			}
			s.check(&message.Packet{Timestamp: at, Body: body})
		}
		assert.Equal(t, test.skips, s.skips.Load(), name)
		assert.Equal(t, test.broken, s.broken.Load(), name)
	}
}
