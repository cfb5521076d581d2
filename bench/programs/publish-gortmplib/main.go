// Command publish-gortmplib does the same as publish, with gortmplib.
package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/url"
	"os"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
)

func main() {
	pictures, err := os.Open(os.Args[2])
	check(err)
	sound, err := os.Open(os.Args[3])
	check(err)
	check(publish(context.Background(), os.Args[1], pictures, sound))
}

func publish(ctx context.Context, rawURL string, pictures, sound io.Reader) error {
	u, err := url.Parse(rawURL)
	if err != nil {
		return err
	}
	h264, err := io.ReadAll(pictures) // mediacommon can't read a pipe unit by unit
	if err != nil {
		return err
	}
	aac, err := io.ReadAll(sound)
	if err != nil {
		return err
	}
	units := accessUnits(h264)
	var frames mpeg4audio.ADTSPackets
	if err := frames.Unmarshal(aac); err != nil {
		return err
	}
	c := &gortmplib.Client{URL: u, Publish: true}
	if err := c.Initialize(ctx); err != nil {
		return err
	}
	defer c.Close()
	avc := &codecs.H264{}
	for _, nalu := range units[0] {
		switch nalu[0] & 0x1f {
		case 7:
			avc.SPS = nalu
		case 8:
			avc.PPS = nalu
		}
	}
	video := &gortmplib.Track{Codec: avc}
	audio := &gortmplib.Track{Codec: &codecs.MPEG4Audio{Config: &mpeg4audio.AudioSpecificConfig{
		Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 44100, ChannelConfig: 2, ChannelCount: 2}}}
	w := &gortmplib.Writer{Conn: c, Tracks: []*gortmplib.Track{video, audio}}
	if err := w.Initialize(); err != nil {
		return err
	}
	for n, m := time.Duration(0), time.Duration(0); len(units) > 0 || len(frames) > 0; {
		at, soundAt := n*time.Second/25, m*1024*time.Second/44100
		if len(units) > 0 && (at <= soundAt || len(frames) == 0) {
			err = w.WriteH264(video, at, at, units[0])
			n, units = n+1, units[1:]
		} else {
			err = w.WriteMPEG4Audio(audio, soundAt, frames[0].AU)
			m, frames = m+1, frames[1:]
		}
		if err != nil {
			return err
		}
	}
	return nil // Close does not wait, so bytes that the server has not read may be lost
}

// accessUnits splits a byte stream into access units. A unit begins at the first slice of a picture, or at the first NAL unit of
// another kind after the slices.
func accessUnits(b []byte) (units [][][]byte) {
	var unit [][]byte
	picture := false // unit contains a slice
	for _, nalu := range bytes.Split(b, []byte{0, 0, 1}) {
		if nalu = bytes.TrimRight(nalu, "\x00"); len(nalu) < 2 {
			continue
		}
		kind := nalu[0] & 0x1f
		slice := 1 <= kind && kind <= 5
		if first := slice && nalu[1]&0x80 != 0; picture && (first || !slice) {
			units, unit, picture = append(units, unit), nil, false
		}
		unit = append(unit, nalu)
		picture = picture || slice
	}
	return append(units, unit)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
