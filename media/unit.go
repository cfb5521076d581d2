package media

import "time"

// Unit is one picture or piece of sound: what a decoder takes at a time.
type Unit struct {
	Track *Track

	// PTS is when the unit is presented, DTS when it is decoded. They differ for pictures that are decoded before others which are
	// shown earlier (B-frames). Both go on past 2^32 ms, and are as the stream has them: they need not begin at 0.
	PTS, DTS time.Duration

	KeyFrame bool // can be decoded without those before it. True of all sound

	// Changed reports whether this is the first unit of its Track, or the first since the size, the codec or the configuration of the
	// Track changed. So a program that sets up its decoder whenever Changed is set always has the right one, whether or not it
	// called Tracks before.
	Changed bool

	// Parts are the NAL units of H.264, H.265 and H.266, without start codes, the OBUs of AV1, without temporal delimiters, and of other
	// codecs the one frame.
	Parts [][]byte
}
