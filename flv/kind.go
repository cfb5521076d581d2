package flv

import "encoding/binary"

// Kind is how much a tag matters for those after it, and so what may be left out, held back or sent again. It is the same for
// the codecs of FLV and of Enhanced RTMP.
type Kind int

const (
	// KindHeader describes the tags after it: metadata (onMetaData), a decoder configuration, colours or the order of channels.
	// Without it the others can't be decoded; who joins later needs the newest of each, see [Headers].
	KindHeader Kind = iota
	// KindData is any other script data, and whatever is neither audio nor video. It is small, and seldom sent twice.
	KindData
	// KindKeyFrame is video that can be decoded without the video before it. If it is a list of several tracks, that is so in each.
	KindKeyFrame
	// KindFrame is any other video: a picture that needs those before it, the end of a sequence, a command, an empty body, and
	// what can't be parsed.
	KindFrame
	// KindAudio is any other audio: coded sound, the end of a sequence, an empty body, and what can't be parsed.
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

// KindOf returns how much t matters, and of audio and video which track it is of: 0, the default track, where there is no other
// and where a message holds several. Nothing is allocated unless audio or video can't be parsed. Of script data only the name is
// looked at.
func KindOf(t Tag) (kind Kind, track uint8) {
	kind, about := classify(t)
	return kind, about.track
}

// IsHeader reports whether t describes the tags after it, as [KindHeader] has it.
func IsHeader(t Tag) bool {
	kind, _ := KindOf(t)
	return kind == KindHeader
}

// Subject is what a tag is about. It is comparable: of headers with the same Subject the newest replaces those before it.
type Subject struct {
	tag        TagType
	packetType uint8
	multitrack MultitrackType
	track      uint8
}

// HeaderSubject returns what t describes; ok is false if t is no header. The first 64 bytes of a body are enough.
func HeaderSubject(t Tag) (s Subject, ok bool) {
	kind, s := classify(t)
	return s, kind == KindHeader
}

func classify(t Tag) (Kind, Subject) {
	switch t.Type {
	case TagVideo:
		h, err := ParseVideoHeader(t.Body)
		about := Subject{t.Type, uint8(h.PacketType), h.MultitrackType, h.TrackID}
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

// scriptName returns the name of script data as [ParseScript] does, but looks at no value. It is a view, empty if there is none.
func scriptName(body []byte) []byte {
	name, rest := amf0Text(body)
	if string(name) == setDataFrame {
		name, _ = amf0Text(rest)
	}
	return name
}

// amf0Text returns the string that body begins with (AMF0 2.4, 2.14), and what follows it. Both are nil if it begins with none.
func amf0Text(body []byte) (text, rest []byte) {
	const short, long = 2, 12 // markers
	var size, at int
	switch {
	case len(body) >= 3 && body[0] == short:
		size, at = int(binary.BigEndian.Uint16(body[1:])), 3
	case len(body) >= 5 && body[0] == long:
		n := binary.BigEndian.Uint32(body[1:])
		if n > MaxBodySize {
			return nil, nil
		}
		size, at = int(n), 5
	default:
		return nil, nil
	}
	if size > len(body)-at {
		return nil, nil
	}
	return body[at : at+size], body[at+size:]
}
