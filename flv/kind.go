package flv

import "encoding/binary"

// Kind classifies tags by how much later tags depend on them. It shows which tags may be dropped, delayed or sent again.
type Kind int

const (
	// KindHeader is a tag without which later tags can't be decoded: metadata (onMetaData), a decoder configuration, color information
	// or a channel order. A player that joins later needs the newest one of each; see [Headers].
	KindHeader Kind = iota
	// KindData is any other script data, and any tag that is neither audio nor video.
	KindData
	// KindKeyFrame is video that can be decoded without the video before it, in every track that it contains.
	KindKeyFrame
	// KindFrame is any other video: a picture that depends on earlier ones, the end of a sequence, a command, an empty or malformed body.
	KindFrame
	// KindAudio is any other audio: coded audio, the end of a sequence, an empty or malformed body.
	KindAudio
)

// String returns "header", "data", "key frame", "frame" or "audio".
func (k Kind) String() string {
	switch k {
	case KindHeader:
		return "header"
	case KindData:
		return "data"
	case KindKeyFrame:
		return "key frame"
	case KindFrame:
		return "frame"
	}
	return "audio"
}

// KindOf returns the kind of t and, for audio and video, its track: 0, the default track, if t names none or contains several. It reads
// only the name of script data, and allocates only if audio or video can't be parsed.
func KindOf(t Tag) (kind Kind, track uint8) {
	kind, about := classify(t)
	return kind, about.track
}

// IsHeader reports whether the kind of t is [KindHeader].
func IsHeader(t Tag) bool {
	kind, _ := KindOf(t)
	return kind == KindHeader
}

// Subject is what a header describes, such as the decoder configuration of a track. A header replaces earlier ones with the same Subject.
// It is comparable.
type Subject struct {
	tag        TagType
	packetType uint8
	multitrack MultitrackType
	track      uint8
}

// HeaderSubject returns what t describes; ok is false if t is not a header. The first 64 bytes of the body suffice, unless it has modifiers
// that are longer (see [ModEx]).
func HeaderSubject(t Tag) (s Subject, ok bool) {
	kind, s := classify(t)
	return s, kind == KindHeader
}

func classify(t Tag) (Kind, Subject) {
	switch t.Type {
	case TagVideo:
		h, err := ParseVideoHeader(t.Body)
		about := Subject{t.Type, uint8(h.PacketType), h.MultitrackType, h.TrackID}
		if h.IsSequenceHeader() {
			about.packetType = uint8(VideoSequenceStart) // also for VideoMPEG2TSSequenceStart: a track has one configuration, in either form
		}
		switch {
		case err != nil:
			return KindFrame, about
		case h.IsSequenceHeader() || h.Enhanced && h.PacketType == VideoMetadata:
			return KindHeader, about
		case h.IsKeyFrame():
			return KindKeyFrame, about
		}
		return KindFrame, about
	case TagAudio:
		h, err := ParseAudioHeader(t.Body)
		about := Subject{t.Type, uint8(h.PacketType), h.MultitrackType, h.TrackID}
		if err == nil && (h.IsSequenceHeader() || h.Enhanced && h.PacketType == AudioMultichannelConfig) {
			return KindHeader, about
		}
		return KindAudio, about
	case TagScript:
		if string(scriptName(t.Body)) == onMetaData {
			return KindHeader, Subject{tag: t.Type}
		}
	}
	return KindData, Subject{tag: t.Type}
}

// scriptName returns the name of script data as a view, without parsing the values.
func scriptName(body []byte) []byte {
	name, rest := amf0Text(body)
	if string(name) == setDataFrame {
		name, _ = amf0Text(rest)
	}
	return name
}

// amf0Text returns the string at the beginning of body (AMF0 2.4, 2.14) and the bytes after it, or nil.
func amf0Text(body []byte) (text, rest []byte) {
	const short, long = 2, 12 // markers
	var size uint32
	var at int
	switch {
	case len(body) >= 3 && body[0] == short:
		size, at = uint32(binary.BigEndian.Uint16(body[1:])), 3
	case len(body) >= 5 && body[0] == long:
		size, at = binary.BigEndian.Uint32(body[1:]), 5
	default:
		return nil, nil
	}
	body = body[at:]
	if int64(size) > int64(len(body)) {
		return nil, nil
	}
	return body[:size], body[size:]
}
