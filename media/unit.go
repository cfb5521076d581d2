package media

import "time"

// Unit is one picture or one frame of audio, the smallest unit that a decoder accepts.
type Unit struct {
	Track *Track

	// PTS is when the unit is presented, and DTS when it is decoded. They differ in streams with B-frames. Both are times of the stream,
	// which need not begin at 0.
	PTS, DTS time.Duration

	KeyFrame bool // the unit can be decoded without earlier units; always true for audio

	// Changed reports whether this is the first unit of its Track, or the first one after a change of the Track's codec, size or
	// configuration. A program that sets up its decoder whenever Changed is set need not call Tracks.
	Changed bool

	// Parts are the NAL units of H.264, H.265 and H.266, without start codes, or the OBUs of AV1, without temporal delimiters. For other
	// codecs Parts is a single frame.
	Parts [][]byte
}
