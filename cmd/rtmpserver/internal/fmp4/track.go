package fmp4

import (
	"math"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4"

	"github.com/go-librtmp/rtmp/media"
)

// timeScale is that of all tracks: ticks in a second.
const timeScale = 90000

const (
	maxSoundGap    = timeScale / 2  // between pieces of sound; in DTX, Opus leaves out 400 ms
	soundSilence   = 3 * timeScale  // after which sound has gone
	pictureSilence = 10 * timeScale // after which pictures have gone; a shared screen may have few
	firstSpan      = timeScale / 25 // of a sample that is the first and the last
)

// track is one that a Muxer puts out.
type track struct {
	from   *media.Track
	video  bool
	codec  mp4.Codec
	name   string // in a codecs parameter
	inBand bool   // there are more parameter sets than an initialization segment has: key frames have them all

	held    *fmp4.Sample   // its duration isn't known yet
	at      int64          // held's decoding time, or that of the sample before, in ticks
	span    int64          // duration of the sample before held, ticks
	samples []*fmp4.Sample // of the next fragment
	base    int64          // the decoding time of the first of them, ticks
	silent  int64          // how many ticks of the other track have passed since the last unit
}

// newTrack describes a track. The error says that MP4 can't hold it.
func newTrack(from *media.Track) (*track, error) {
	codec, name, err := describe(from)
	if err != nil {
		return nil, err
	}
	if _, err := initSegment([]mp4.Codec{codec}); err != nil { // which reads the parameter sets
		return nil, err
	}
	inBand := from.Codec == media.H264 && len(from.ParameterSets) > 2 || from.Codec == media.H265 && len(from.ParameterSets) > 3
	return &track{from: from, video: from.IsVideo(), codec: codec, name: name, inBand: inBand, at: -1, span: firstSpan}, nil
}

// put holds a unit in place of the one before, which is now complete. It returns how many ticks have passed since that one, and whether
// there is a hole between the two: a fragment must end there.
func (t *track) put(u *media.Unit) (passed int64, hole bool) {
	at := max(ticks(u.DTS), t.at+1) // decoding times must increase
	if t.held != nil {
		passed = min(at-t.at, timeScale)
		if hole = !t.video && at-t.at > maxSoundGap; hole {
			t.finish(t.span) // players don't put silence where a sample ends early, but know what to do about a hole
		} else {
			t.finish(at - t.at)
		}
	}
	t.held = &fmp4.Sample{PTSOffset: int32(ticks(u.PTS) - at), IsNonSyncSample: !u.KeyFrame, Payload: t.payload(u)}
	t.at, t.silent = at, 0
	return passed, hole
}

// finish ends the sample that is held, if one is.
func (t *track) finish(span int64) {
	if t.held == nil {
		return
	}
	if len(t.samples) == 0 {
		t.base = t.at
	}
	t.span = min(span, math.MaxUint32)
	t.held.Duration = uint32(t.span)
	t.samples = append(t.samples, t.held)
	t.held = nil
}

// gathered is how much time the next fragment has of the track, ticks.
func (t *track) gathered() int64 {
	if len(t.samples) == 0 {
		return 0
	}
	return t.at - t.base
}

func (t *track) gone() bool {
	if t.video {
		return t.silent > pictureSilence
	}
	return t.silent > soundSilence
}

// payload returns a copy of a unit as MP4 has it.
func (t *track) payload(u *media.Unit) (b []byte) {
	switch t.from.Codec {
	case media.H264, media.H265:
		if t.inBand && u.KeyFrame {
			b = media.AppendAVCC(b, t.from.ParameterSets)
		}
		return media.AppendAVCC(b, u.Parts)
	}
	for _, part := range u.Parts {
		b = append(b, part...)
	}
	return b
}

// ticks is exact for times of whole milliseconds.
func ticks(d time.Duration) int64 {
	const perMillisecond = timeScale / 1000
	ms := d / time.Millisecond
	return int64(ms)*perMillisecond + int64((d-ms*time.Millisecond)*perMillisecond/time.Millisecond)
}
