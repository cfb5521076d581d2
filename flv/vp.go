package flv

import "encoding/binary"

// VPConfig is a VPCodecConfigurationRecord, the configuration of VP8 and VP9. It does not contain the size, which is in the pictures.
type VPConfig struct {
	Profile   uint8
	Level     uint8 // ten times the level, 31 for 3.1; 0 if unknown
	BitDepth  uint8 // 8, 10 or 12
	Chroma    uint8 // subsampling: 0 and 1 for 4:2:0, 2 for 4:2:2, 3 for 4:4:4
	FullRange bool

	Primaries, Transfer, Matrix uint8 // code points of ITU-T H.273
}

const (
	vpConfigVersion = 1
	vpVersionSize   = 4 // size of version and flags
	vpRecordSize    = 8

	vpChroma420   = 1 // colocated with luma
	vpChroma422   = 2
	vpChroma444   = 3
	vpUnspecified = 2 // code point of ITU-T H.273
)

// ParseVPConfig reads the data of a sequence header of VP8 or VP9 (VP Codec ISO Media File Format Binding, vpcC):
//
//	+-----------+-------+  +---------+-------+-------------------------------+-----------+----------+--------+------------+
//	| version 1 | flags |  | profile | level | depth 4, chroma 3, full range | primaries | transfer | matrix | size 0, .. |
//	| 1         | 3     |  | 1       | 1     | 1                             | 1         | 1        | 1      | 2          |
//	+-----------+-------+  +---------+-------+-------------------------------+-----------+----------+--------+------------+
//
// Version and flags belong to the box around the record in files, and may be missing. The error is an [*Error]. The result holds no views
// of b.
func ParseVPConfig(b []byte) (VPConfig, error) {
	record := b
	if len(b) >= vpVersionSize+vpRecordSize && b[0] == vpConfigVersion && b[1] == 0 && b[2] == 0 && b[3] == 0 {
		record = b[vpVersionSize:]
	}
	if missing := vpRecordSize - len(record); missing > 0 {
		return VPConfig{}, truncated("VP configuration", int64(missing))
	}
	return VPConfig{
		Profile: record[0], Level: record[1],
		BitDepth: record[2] >> 4, Chroma: record[2] >> 1 & 7, FullRange: record[2]&1 != 0,
		Primaries: record[3], Transfer: record[4], Matrix: record[5],
	}, nil
}

// AppendVPConfig appends the data that [ParseVPConfig] reads, with version and flags. BitDepth has four bits, Chroma three.
func AppendVPConfig(dst []byte, c VPConfig) []byte {
	depth := c.BitDepth<<4 | c.Chroma&7<<1
	if c.FullRange {
		depth |= 1
	}
	dst = append(dst, vpConfigVersion, 0, 0, 0, c.Profile, c.Level, depth, c.Primaries, c.Transfer, c.Matrix)
	return binary.BigEndian.AppendUint16(dst, 0) // codecInitializationDataSize
}

// isKeyVP8 reports whether frame is a key frame: its lowest bit is 0 (RFC 6386 9.1).
func isKeyVP8(frame []byte) bool { return len(frame) > 0 && frame[0]&1 == 0 }

// vp8Size returns the size in pixels that a key frame contains (RFC 6386 9.1), or 0 for other frames:
//
//	+-------------------------+------------+------------------+-------------------+
//	| .., key frame if bit 0  | start code | scale 2 width 14 | scale 2 height 14 |   little-endian
//	| is 0                  3 | 3   9d012a | 2                | 2                 |
//	+-------------------------+------------+------------------+-------------------+
func vp8Size(frame []byte) (width, height int) {
	const startCode, sideBits = "\x9d\x01\x2a", 0x3fff
	if !isKeyVP8(frame) || len(frame) < 10 || string(frame[3:6]) != startCode {
		return 0, 0
	}
	side := func(b []byte) int { return int(binary.LittleEndian.Uint16(b) & sideBits) }
	w, h := side(frame[6:]), side(frame[8:])
	if w == 0 || h == 0 {
		return 0, 0
	}
	return w, h
}

// vp9Frame reads the beginning of an uncompressed header (VP9 6.2).
func vp9Frame(r *bitReader) (profile uint32, key bool) {
	if r.bits(2) != 2 { // frame_marker
		return 0, false
	}
	if profile = r.bit() | r.bit()<<1; profile == 3 {
		r.bit() // reserved_zero
	}
	shown, inter := r.flag(), r.flag() // show_existing_frame, frame_type
	return profile, !r.short && !shown && !inter
}

// vp9Size returns the size in pixels that a key frame contains (VP9 6.2), or 0 for other frames.
func vp9Size(frame []byte) (width, height int) {
	_, w, h := vp9KeyFrame(frame)
	return w, h
}

// vp9KeyFrame reads the uncompressed header of a key frame (VP9 6.2). The size is 0 for other frames.
func vp9KeyFrame(frame []byte) (c VPConfig, width, height int) {
	const syncCode, rgb = 0x498342, 7
	r := &bitReader{b: frame}
	profile, key := vp9Frame(r)
	r.bits(2) // show_frame, error_resilient_mode
	if !key || r.bits(24) != syncCode {
		return c, 0, 0
	}
	c = VPConfig{Profile: uint8(profile), BitDepth: 8, Chroma: vpChroma420,
		Primaries: vpUnspecified, Transfer: vpUnspecified, Matrix: vpUnspecified}
	if profile >= 2 {
		c.BitDepth = 10 + 2*uint8(r.bit()) // ten_or_twelve_bit
	}
	subsampling := profile&1 != 0
	switch space := r.bits(3); {
	case space == rgb:
		c.Chroma, c.FullRange, c.Matrix = vpChroma444, true, 0
		if subsampling {
			r.bit() // reserved_zero
		}
	case subsampling:
		c.FullRange = r.flag()
		c.Chroma = vpChroma444
		if x, y := r.flag(), r.flag(); x && !y {
			c.Chroma = vpChroma422
		}
		r.bit() // reserved_zero
	default:
		c.FullRange = r.flag()
	}
	w, h := int(r.bits(16))+1, int(r.bits(16))+1
	if r.short {
		return c, 0, 0
	}
	return c, w, h
}

// VPConfigOf returns the configuration of a stream with the given key frame of VP8 or VP9, without the level and the color description. ok
// is false for other frames and codecs.
func VPConfigOf(codec FourCC, frame []byte) (c VPConfig, ok bool) {
	switch codec {
	case FourCCVP8:
		w, _ := vp8Size(frame)
		if w == 0 {
			return c, false
		}
		return VPConfig{Profile: frame[0] >> 1 & 7, BitDepth: 8, Chroma: vpChroma420,
			Primaries: vpUnspecified, Transfer: vpUnspecified, Matrix: vpUnspecified}, true
	case FourCCVP9:
		c, w, _ := vp9KeyFrame(frame)
		return c, w > 0
	}
	return c, false
}
