package flv

import (
	"encoding/binary"

	"github.com/go-librtmp/rtmp/internal/obu"
)

// detectKeyFrame inspects the pictures themselves, for publishers that set the frame type to 0, and reports whether every track has a key
// frame. It returns false for unknown codecs.
func (h VideoHeader) detectKeyFrame() bool {
	tracks := 0
	for track, err := range h.Tracks() {
		if err != nil || !isKeyPicture(track.FourCC, track.Data) {
			return false
		}
		tracks++
	}
	return tracks > 0
}

func isKeyPicture(c FourCC, data []byte) bool {
	switch c {
	case FourCCAVC, FourCCHEVC, FourCCVVC:
		return isKeyNALUnits(c, data)
	case FourCCAV1:
		return isKeyTemporalUnit(data)
	case FourCCVP8:
		return isKeyVP8(data)
	case FourCCVP9:
		_, key := vp9Frame(&bitReader{b: data})
		return key
	}
	return false
}

// isKeyNALUnits inspects the first slice of a picture. It assumes lengths of four bytes: the true size is in the configuration, which is
// another tag.
func isKeyNALUnits(c FourCC, data []byte) bool {
	const lengthSize, headerSize = 4, 2
	for len(data) >= lengthSize+headerSize {
		size := int64(binary.BigEndian.Uint32(data))
		nal := data[lengthSize:]
		if size >= headerSize {
			if picture, key := pictureKind(c, nal); picture {
				return key
			}
		}
		data = nal[min(size, int64(len(nal))):]
	}
	return false
}

// pictureKind reads the header of a NAL unit. picture reports whether the unit is a slice of a picture, and key whether decoding can begin
// at that picture.
func pictureKind(c FourCC, nal []byte) (picture, key bool) {
	switch c {
	case FourCCAVC: // H.264 table 7-1: 5 is IDR
		t := nal[0] & 0x1f
		return 1 <= t && t <= 5, t == 5
	case FourCCHEVC: // H.265 table 7-1: 16 to 23 are IRAP
		t := nal[0] >> 1 & 0x3f
		return t < 32, 16 <= t && t <= 23
	}
	// H.266 table 5: 7 and 8 are IDR, 9 is CRA
	t := nal[1] >> 3
	return t < 12, 7 <= t && t <= 9
}

// isKeyTemporalUnit inspects the first frame header (AV1 5.9.2).
func isKeyTemporalUnit(data []byte) bool {
	for len(data) > 0 {
		t, payload, rest, err := nextOBU(data)
		if err != nil {
			return false
		}
		if t == obu.FrameHeader || t == obu.Frame {
			return len(payload) > 0 && payload[0]&0xe0 == 0 // show_existing_frame 0, frame_type 0 in two bits
		}
		data = rest
	}
	return false
}
