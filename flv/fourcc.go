package flv

import "fmt"

// FourCC names a codec in Enhanced RTMP: four characters, the first in the highest byte. onMetaData has it as a number in videocodecid and
// audiocodecid, connect as a string in fourCcList. Zero means no codec.
type FourCC uint32

// The codecs of Enhanced RTMP v2. FourCCs are case-sensitive.
const (
	FourCCAVC  FourCC = 'a'<<24 | 'v'<<16 | 'c'<<8 | '1' // H.264
	FourCCHEVC FourCC = 'h'<<24 | 'v'<<16 | 'c'<<8 | '1' // H.265
	FourCCVVC  FourCC = 'v'<<24 | 'v'<<16 | 'c'<<8 | '1' // H.266
	FourCCVP8  FourCC = 'v'<<24 | 'p'<<16 | '0'<<8 | '8'
	FourCCVP9  FourCC = 'v'<<24 | 'p'<<16 | '0'<<8 | '9'
	FourCCAV1  FourCC = 'a'<<24 | 'v'<<16 | '0'<<8 | '1'

	FourCCAAC  FourCC = 'm'<<24 | 'p'<<16 | '4'<<8 | 'a'
	FourCCOpus FourCC = 'O'<<24 | 'p'<<16 | 'u'<<8 | 's'
	FourCCFLAC FourCC = 'f'<<24 | 'L'<<16 | 'a'<<8 | 'C'
	FourCCMP3  FourCC = '.'<<24 | 'm'<<16 | 'p'<<8 | '3'
	FourCCAC3  FourCC = 'a'<<24 | 'c'<<16 | '-'<<8 | '3'
	FourCCEAC3 FourCC = 'e'<<24 | 'c'<<16 | '-'<<8 | '3'
)

var fourCCNames = map[FourCC]string{
	FourCCAVC: "H.264", FourCCHEVC: "H.265", FourCCVVC: "H.266", FourCCVP8: "VP8", FourCCVP9: "VP9", FourCCAV1: "AV1",
	FourCCAAC: "AAC", FourCCOpus: "Opus", FourCCFLAC: "FLAC", FourCCMP3: "MP3", FourCCAC3: "AC-3", FourCCEAC3: "E-AC-3",
}

// ParseFourCC is the inverse of String. ok is false if s is not four characters of printable ASCII.
func ParseFourCC(s string) (c FourCC, ok bool) {
	if len(s) != fourCCSize {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return 0, false
		}
		c = c<<8 | FourCC(s[i])
	}
	return c, true
}

// String returns the four characters, such as "hvc1", or a number such as "0x00000001" if they are not printable ASCII.
func (c FourCC) String() string {
	s := string([]byte{byte(c >> 24), byte(c >> 16), byte(c >> 8), byte(c)})
	if _, ok := ParseFourCC(s); ok {
		return s
	}
	return fmt.Sprintf("0x%08x", uint32(c))
}

// CodecName returns the codec's name, such as "H.265" or "Opus", or the result of String for an unknown codec.
func (c FourCC) CodecName() string {
	if s, ok := fourCCNames[c]; ok {
		return s
	}
	return c.String()
}

// hasCompositionTime reports whether coded frames begin with a composition time. Codecs made of NAL units have one, since their packets do
// not contain the display order.
func (c FourCC) hasCompositionTime() bool {
	return c == FourCCAVC || c == FourCCHEVC || c == FourCCVVC
}
