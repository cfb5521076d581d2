package live

import "github.com/go-librtmp/rtmp/flv"

// kind is what a message means to somebody who joins, or has missed some.
type kind uint8

const (
	kindData     kind = iota // whatever stands for itself
	kindHeader               // describes what follows it: metadata, decoder configurations
	kindKeyFrame             // a picture that needs none before it
	kindFrame                // any other picture, or what comes with pictures
	kindAudio
)

// kindOf looks into a tag, for its kind and the id of its video track: 0 where there is but one, and for messages of many tracks.
func kindOf(t flv.Tag) (k kind, track uint8) {
	switch {
	case flv.IsHeader(t):
		return kindHeader, 0
	case t.Type == flv.TagAudio:
		return kindAudio, 0
	case t.Type != flv.TagVideo:
		return kindData, 0
	}
	h, err := flv.ParseVideoHeader(t.Body)
	if err != nil {
		return kindFrame, 0
	}
	if h.IsKeyFrame() {
		return kindKeyFrame, h.TrackID
	}
	return kindFrame, h.TrackID
}

// trackSet is a set of video track ids. The zero value is empty.
type trackSet [4]uint64

func (s *trackSet) add(track uint8)      { s[track/64] |= 1 << (track % 64) }
func (s *trackSet) has(track uint8) bool { return s[track/64]&(1<<(track%64)) != 0 }
