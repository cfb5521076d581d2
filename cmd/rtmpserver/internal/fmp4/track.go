package fmp4

import (
	"math"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4"

	"github.com/go-librtmp/rtmp/media"
)

// timeScale is the number of ticks in a second, in all tracks.
const timeScale = 90000

const (
	maxSoundGap    = timeScale / 2  // maximum time between audio samples that is not a gap; Opus with DTX leaves out 400 ms
	soundSilence   = 3 * timeScale  // time without units after which an audio track has ended
	pictureSilence = 10 * timeScale // time without units after which a video track has ended; a shared screen may have few frames
	maxBack        = timeScale      // maximum time by which a decoding time may be too early
	firstSpan      = timeScale / 25 // duration of a sample if the track has no other
)

// track is a track that a Muxer writes.
type track struct {
	from   *media.Track
	video  bool
	codec  mp4.Codec
	name   string // name in the codecs parameter
	inBand bool   // key frames contain all parameter sets, since the initialization segment has no room for all of them

	held    *fmp4.Sample   // the last sample, whose duration is not known yet
	at      int64          // decoding time of held or, if held is nil, of the previous sample, in ticks
	span    int64          // duration of the previous sample, in ticks
	samples []*fmp4.Sample // samples of the next fragment
	base    int64          // decoding time of the first of samples, in ticks
	silent  int64          // ticks by which the other track has advanced since the last unit of this one
}

// newTrack returns a track, or an error if MP4 cannot contain it.
func newTrack(from *media.Track) (*track, error) {
	codec, name, err := describe(from)
	if err != nil {
		return nil, err
	}
	if _, err := initSegment([]mp4.Codec{codec}); err != nil { // parses the parameter sets
		return nil, err
	}
	inBand := from.Codec == media.H264 && len(from.ParameterSets) > 2 || from.Codec == media.H265 && len(from.ParameterSets) > 3
	return &track{from: from, video: from.IsVideo(), codec: codec, name: name, inBand: inBand, at: -1, span: firstSpan}, nil
}

// put stores a unit in held, and completes the sample before it. It returns the time between the two in ticks. If hole is true, there is a
// gap between them, at which a fragment must end.
func (t *track) put(u *media.Unit) (passed int64, hole bool) {
	at := max(ticks(u.DTS), t.at+1) // decoding times must increase
	if t.held != nil {
		passed = min(at-t.at, timeScale)
		if hole = !t.video && at-t.at > maxSoundGap; hole {
			t.finish(t.span) // do not extend the sample: players handle a gap, but do not fill a long audio sample with silence
		} else {
			t.finish(at - t.at)
		}
	}
	t.held = &fmp4.Sample{PTSOffset: int32(ticks(u.PTS) - at), IsNonSyncSample: !u.KeyFrame, Payload: t.payload(u)}
	t.at, t.silent = at, 0
	return passed, hole
}

// finish completes the held sample, if there is one.
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

// gathered returns the total duration of the samples for the next fragment, in ticks.
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

// payload returns a copy of a unit in the format of MP4.
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

// ticks converts a time to ticks. It is exact for whole milliseconds.
func ticks(d time.Duration) int64 {
	const perMillisecond = timeScale / 1000
	ms := d / time.Millisecond
	return int64(ms)*perMillisecond + int64((d-ms*time.Millisecond)*perMillisecond/time.Millisecond)
}
