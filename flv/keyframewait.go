package flv

import "math"

// KeyFrameWait decides which video can be decoded after pictures were left out: a track that has lost a picture waits for its next key
// frame. The zero value waits for nothing.
type KeyFrameWait struct {
	waiting trackSet
}

// All makes every track wait for its next key frame, as when a player begins in the middle of a stream.
func (w *KeyFrameWait) All() {
	w.waiting = trackSet{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64}
}

// Lost records that a picture of a track was left out: the track then waits for its next key frame.
func (w *KeyFrameWait) Lost(track uint8) { w.waiting.add(track) }

// Accept reports whether a tag with these results of KindOf can be decoded. A key frame ends the wait of its track. Everything but pictures
// is accepted.
func (w *KeyFrameWait) Accept(kind Kind, track uint8) bool {
	switch kind {
	case KindKeyFrame:
		w.waiting.remove(track)
	case KindFrame:
		return !w.waiting.has(track)
	}
	return true
}
