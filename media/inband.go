package media

import (
	"bytes"
	"slices"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/obu"
)

// NAL unit types of parameter sets (H.264 table 7-1, H.265 table 7-1).
const (
	avcSPS  = 7
	avcPPS  = 8
	hevcVPS = 32
	hevcSPS = 33
	hevcPPS = 34
)

// maxSetsOfKind is the maximum number of parameter sets of one type in a key frame. H.264 allows 256 PPS; encoders use one.
const maxSetsOfKind = 64

// setKinds returns the types of a codec's parameter sets, in the order of its configuration.
func (c Codec) setKinds() []uint8 {
	switch c {
	case H264:
		return []uint8{avcSPS, avcPPS}
	case H265:
		return []uint8{hevcVPS, hevcSPS, hevcPPS}
	case AV1:
		return []uint8{obu.SequenceHeader}
	}
	return nil
}

func (c Codec) unitType(unit []byte) uint8 {
	switch c {
	case H264:
		return unit[0] & 0x1f
	case H265:
		return unit[0] >> 1 & 0x3f
	}
	return obu.Type(unit)
}

func (c Codec) isSet(unit []byte) bool {
	t := c.unitType(unit)
	switch c {
	case H264:
		return t == avcSPS || t == avcPPS
	case H265:
		return t >= hevcVPS && t <= hevcPPS
	}
	return c == AV1 && t == obu.SequenceHeader
}

// needsReconfigure reports whether a key frame contains an SPS or sequence header, and at least one parameter set that is not in the
// configuration. A new PPS alone needs no new configuration, since decoders find it in the frame. It does not allocate.
func (t *Track) needsReconfigure(parts [][]byte) bool {
	sequence, other := false, false
	for _, part := range parts {
		if len(part) == 0 || !t.Codec.isSet(part) {
			continue
		}
		sequence = sequence || t.Codec.isSequence(part)
		other = other || !t.hasSet(part)
	}
	return sequence && other
}

func (c Codec) isSequence(set []byte) bool {
	t := c.unitType(set)
	return c == H264 && t == avcSPS || c == H265 && t == hevcSPS || c == AV1 && t == obu.SequenceHeader
}

func (t *Track) reconfigure(parts [][]byte) error {
	config, err := t.Codec.configOf(parts, t.ParameterSets)
	if err == nil {
		_, err = t.configure(config)
	}
	return err
}

func (t *Track) hasSet(set []byte) bool {
	for _, known := range t.ParameterSets {
		if bytes.Equal(known, set) || t.Codec == AV1 && obu.Equal(known, set) {
			return true
		}
	}
	return false
}

// configOf makes a configuration from the parameter sets in parts, in any order. Missing kinds are taken from old.
func (c Codec) configOf(parts, old [][]byte) ([]byte, error) {
	kinds := c.setKinds()
	sets := make([][][]byte, len(kinds))
	for i, kind := range kinds {
		for _, from := range [...][][]byte{parts, old} {
			for _, part := range from {
				same := func(set []byte) bool { return bytes.Equal(set, part) }
				if len(part) > 0 && len(sets[i]) < maxSetsOfKind && c.unitType(part) == kind && !slices.ContainsFunc(sets[i], same) {
					sets[i] = append(sets[i], part)
				}
			}
			if len(sets[i]) > 0 {
				break
			}
		}
	}
	switch c {
	case H264:
		return flv.AppendAVCConfig(nil, flv.AVCConfig{SPS: sets[0], PPS: sets[1]})
	case H265:
		return flv.AppendHEVCConfig(nil, flv.HEVCConfig{VPS: sets[0], SPS: sets[1], PPS: sets[2]})
	case AV1:
		return flv.AppendAV1Config(nil, flv.AV1Config{OBUs: bytes.Join(sets[0][:min(1, len(sets[0]))], nil)})
	}
	return nil, &Error{Where: c.String(), Detail: "can't make a configuration from parameter sets"}
}
