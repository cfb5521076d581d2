package flv

// AppendVideoHeader appends the part of a video tag's body before the data; the caller appends h.Data itself. A parsed header is written
// unchanged, except that a composition time omitted from the end of a sequence is written.
//
// The header has Enhanced RTMP's form if h.Enhanced is set, and FLV's, with h.Codec, otherwise. More players understand FLV's form, so
// prefer it for the default track if it has the codec.
//
// The error is an [*Error] that names what the form can't express: a field with too many bits, a composition time other than 0 in a packet
// without one, or a malformed ModEx. dst is then returned unchanged.
func AppendVideoHeader(dst []byte, h VideoHeader) ([]byte, error) {
	if h.Empty {
		return dst, nil
	}
	if h.FrameType > maxFrameType {
		return dst, &Error{Detail: "frame type has more than three bits", Value: uint8(h.FrameType)}
	}
	if h.Enhanced {
		b, err := h.appendEnhanced(dst)
		if err != nil {
			return dst, err
		}
		return b, nil
	}
	return h.appendLegacy(dst)
}

const (
	maxFrameType       = 7
	maxCompositionTime = 1<<23 - 1 // in milliseconds: 2 hours and 19 minutes
	minCompositionTime = -1 << 23
)

func (h *VideoHeader) appendLegacy(dst []byte) ([]byte, error) {
	if h.Codec > maxNibble {
		return dst, &Error{Detail: "video codec has more than four bits", Value: uint8(h.Codec)}
	}
	if len(h.ModEx) > 0 || h.Multitrack {
		return dst, notEnhanced()
	}
	if err := h.checkCompositionTime(); err != nil {
		return dst, err
	}
	dst = append(dst, byte(h.FrameType)<<4|byte(h.Codec))
	switch {
	case h.isCommand():
		return append(dst, h.Command), nil
	case h.Codec.FourCC() != 0:
		return h.appendInt24(append(dst, byte(h.PacketType))), nil
	}
	return dst, nil
}

func notEnhanced() error {
	return &Error{Detail: "ModEx and multitrack need the header of Enhanced RTMP"}
}

func (h *VideoHeader) appendEnhanced(dst []byte) ([]byte, error) {
	x := exHeader{
		modEx: h.ModEx, packetType: byte(h.PacketType), fourCC: h.FourCC,
		multitrack: h.Multitrack, layout: h.MultitrackType, trackID: h.TrackID,
	}
	if err := h.checkCompositionTime(); err != nil {
		return dst, err
	}
	high := exVideoBit | byte(h.FrameType)<<4
	if h.isCommand() {
		if x.packetType > maxNibble || x.packetType == packetModEx {
			return dst, &Error{Detail: "packet type of a command cannot be written", Value: x.packetType}
		}
		dst, err := x.appendModEx(dst, high, x.packetType)
		return append(dst, h.Command), err
	}
	dst, err := x.append(dst, high, byte(videoMultitrack))
	if err != nil {
		return dst, err
	}
	return h.appendCompositionTime(dst), nil
}

// checkCompositionTime returns an error for a composition time that would be lost.
func (h *VideoHeader) checkCompositionTime() error {
	if h.CompositionTime == 0 {
		return nil
	}
	has := h.hasCompositionTime()
	if !h.Enhanced {
		has = h.Codec.FourCC() != 0
	}
	switch {
	case !has || h.isCommand():
		return &Error{Detail: "composition time in a packet without one", Value: h.CompositionTime}
	case h.CompositionTime < minCompositionTime || h.CompositionTime > maxCompositionTime:
		return &Error{Detail: "composition time has more than 24 bits", Value: h.CompositionTime}
	}
	return nil
}

func (h *VideoHeader) appendCompositionTime(dst []byte) []byte {
	if !h.hasCompositionTime() {
		return dst
	}
	return h.appendInt24(dst)
}

func (h *VideoHeader) appendInt24(dst []byte) []byte {
	t := h.CompositionTime
	return append(dst, byte(t>>16), byte(t>>8), byte(t))
}
