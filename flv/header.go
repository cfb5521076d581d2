package flv

import "encoding/binary"

// FileHeaderSize is the number of bytes before the first tag in the files that this package writes: the header (9) and a previous tag size
// (4).
const FileHeaderSize = fileHeaderProper + PreviousTagSizeLen

// PreviousTagSizeLen is the size in bytes of the previous tag size after the file header and after every tag.
const PreviousTagSizeLen = 4

const (
	fileHeaderProper = 9
	signature        = "FLV"
	version          = 1
	flagVideo        = 0x01
	flagAudio        = 0x04
)

// FileHeader is the content of the file header. It is only a hint: programs that write a live stream guess both flags.
type FileHeader struct {
	HasAudio, HasVideo bool
}

// AppendFileHeader appends the file header and the previous tag size after it, [FileHeaderSize] bytes (FLV E.2, E.3):
//
//	+-----+---+-------------------------------+-------------+-----------------+
//	| FLV | 1 | 00000 | audio 1 | 0 | video 1 | data offset | PreviousTagSize |
//	| 3   | 1 | 1                             | 4       = 9 | 4           = 0 |
//	+-----+---+-------------------------------+-------------+-----------------+
func AppendFileHeader(dst []byte, h FileHeader) []byte {
	var flags byte
	if h.HasAudio {
		flags |= flagAudio
	}
	if h.HasVideo {
		flags |= flagVideo
	}
	dst = append(dst, signature...)
	return append(dst, version, flags, 0, 0, 0, fileHeaderProper, 0, 0, 0, 0)
}

// ParseFileHeader parses the first 9 bytes of a file. dataOffset is the offset of the first previous tag size, at least 9. The version is
// ignored.
func ParseFileHeader(b []byte) (h FileHeader, dataOffset uint32, err error) {
	if len(b) < fileHeaderProper {
		return h, 0, truncated("file header", int64(fileHeaderProper-len(b)))
	}
	if string(b[:3]) != signature {
		return h, 0, &Error{Detail: "not an FLV file, which begins with the bytes FLV", Value: string(b[:3])}
	}
	dataOffset = binary.BigEndian.Uint32(b[5:])
	if dataOffset < fileHeaderProper {
		return h, 0, &Error{Detail: "file header is shorter than 9 bytes", Value: dataOffset}
	}
	return FileHeader{HasAudio: b[4]&flagAudio != 0, HasVideo: b[4]&flagVideo != 0}, dataOffset, nil
}
