package flv

import "encoding/binary"

// VPConfig is a VPCodecConfigurationRecord: what is said about VP8 and VP9 before the first picture. Their size is in the pictures.
type VPConfig struct {
	Profile   uint8
	Level     uint8 // ten times the level, 31 for 3.1; 0 if it is not known
	BitDepth  uint8 // 8, 10 or 12
	Chroma    uint8 // subsampling: 0 and 1 4:2:0, 2 4:2:2, 3 4:4:4
	FullRange bool

	Primaries, Transfer, Matrix uint8 // indices of ITU-T H.273
}

const (
	vpConfigVersion = 1
	vpVersionSize   = 4 // version and flags
	vpRecordSize    = 8
)

// ParseVPConfig reads the data of a sequence header of VP8 or VP9 (VP Codec ISO Media File Format Binding, vpcC):
//
//	+-----------+-------+  +---------+-------+-------------------------------+-----------+----------+--------+------------+
//	| version 1 | flags |  | profile | level | depth 4, chroma 3, full range | primaries | transfer | matrix | size 0, .. |
//	| 1         | 3     |  | 1       | 1     | 1                             | 1         | 1        | 1      | 2          |
//	+-----------+-------+  +---------+-------+-------------------------------+-----------+----------+--------+------------+
//
// Version and flags are those of the box in which the record is in files, and may be missing. The error is an [*Error].
func ParseVPConfig(b []byte) (VPConfig, error) {
	record := b
	if len(b) >= vpVersionSize+vpRecordSize && b[0] == vpConfigVersion && b[1] == 0 && b[2] == 0 && b[3] == 0 {
		record = b[vpVersionSize:]
	}
	if missing := vpRecordSize - len(record); missing > 0 {
		return VPConfig{}, cut("VP configuration", int64(missing))
	}
	return VPConfig{
		Profile: record[0], Level: record[1],
		BitDepth: record[2] >> 4, Chroma: record[2] >> 1 & 7, FullRange: record[2]&1 != 0,
		Primaries: record[3], Transfer: record[4], Matrix: record[5],
	}, nil
}

// AppendVPConfig appends what [ParseVPConfig] reads, with version and flags. Of BitDepth four bits count, of Chroma three.
func AppendVPConfig(dst []byte, c VPConfig) []byte {
	depth := c.BitDepth<<4 | c.Chroma&7<<1
	if c.FullRange {
		depth |= 1
	}
	dst = append(dst, vpConfigVersion, 0, 0, 0, c.Profile, c.Level, depth, c.Primaries, c.Transfer, c.Matrix)
	return binary.BigEndian.AppendUint16(dst, 0) // codecInitializationDataSize
}
