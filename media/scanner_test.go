package media

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func scanAll(r io.Reader, codec Codec) (units []string, err error) {
	s := NewAccessUnitScanner(r, codec)
	for s.Scan() {
		var nalus []string
		for _, nalu := range s.Unit() {
			nalus = append(nalus, hex.EncodeToString(nalu))
		}
		units = append(units, strings.Join(nalus, " "))
	}
	return units, s.Err()
}

// TestAccessUnitScanner splits streams in the forms that encoders write, with and without delimiters, and in others that the standards
// allow. In slices of H.264, the first byte after the header is 80 for macroblock 0, 40 for macroblock 1 and 60 for macroblock 2.
func TestAccessUnitScanner(t *testing.T) {
	for _, c := range []struct {
		name  string
		codec Codec
		units []string // the units of the stream, with spaces between NAL units
	}{
		{"one slice a picture", H264, []string{"6742 68ce 6588", "4188", "0188", "6742 68ce 6588"}},
		{"several slices", H264, []string{"6742 68ce 6580 6540 6560", "4180 4140", "4180 4140"}},
		{"delimiters", H264, []string{"0910 6742 68ce 6580 6540", "0930 4180 4140", "0930 0180"}},
		{"SEI", H264, []string{"6742 68ce 0601 6580", "0601 4180", "0602 4180"}},
		{"SEI and parameter sets before a picture that is not IDR", H264, []string{"6580", "67aa 68bb 0601 4180"}},
		{"first slice lost", H264, []string{"6580 6560", "4140", "4140 4160"}},
		{"reference or not", H264, []string{"4180", "0140"}},
		{"IDR or not", H264, []string{"6580", "4140"}},
		{"end of sequence, filler and auxiliary pictures", H264, []string{"6580 0cff 13aa 0a 0b", "6580"}},
		{"partitions", H264, []string{"4280 4301 4401 4240 4301", "4280 4301"}},
		{"prefixes of each slice", H264, []string{"6e01 6580 6e01 6540", "6e01 4180 6e01 4140"}},
		{"a second view", H264, []string{"67aa 6580 0601 7480", "4180 7480"}},
		{"emulation prevention", H264, []string{"650000038000ff", "650000038000ff"}},
		{"a truncated slice", H264, []string{"6580 41", "6580"}},
		{"one slice a picture", H265, []string{"4001 4201 4401 2601af", "0201d0", "0001d0"}},
		{"several slices", H265, []string{"4001 4201 4401 2601af 260140", "0201d0 020150 020150", "0201d0"}},
		{"delimiters and SEI", H265, []string{"4601 4001 4201 4401 4e01 2601af 5001", "4601 4e01 0201d0"}},
		{"SEI between the slices of a picture", H265, []string{"4e01 2601af 4e01 260140", "4e01 0201d0"}},
		{"another layer", H265, []string{"4001 2601af 4009aa 0209d0 4e01 0209d0", "0201d0"}},
		{"reserved and unspecified", H265, []string{"2601af 6e01 1401ff", "6001 0201d0", "5201 0201d0"}},
	} {
		t.Run(c.codec.String()+"/"+c.name, func(t *testing.T) {
			for _, code := range []string{"000001", "00000001", "000000000001"} {
				stream := unhex(code + strings.ReplaceAll(strings.Join(c.units, " "), " ", code))
				for name, r := range map[string]io.Reader{
					"at once":  bytes.NewReader(stream),
					"with EOF": iotest.DataErrReader(bytes.NewReader(stream)),
					"by bytes": iotest.OneByteReader(bytes.NewReader(stream)),
				} {
					got, err := scanAll(r, c.codec)
					require.NoError(t, err)
					require.Equal(t, c.units, got, name)
				}
			}
		})
	}
}

// TestUnitsComeWithTheNextPicture checks that a scanner returns a unit when the first bytes of the next picture have arrived.
func TestUnitsComeWithTheNextPicture(t *testing.T) {
	for codec, stream := range map[Codec]string{
		H264: "0000010910 0000016580ff 0000010930 0000014180",
		H265: "0000014601 0000012601afff 0000014601 0000010201d0",
	} {
		lost := errors.New("the scanner read more than it needed")
		s := NewAccessUnitScanner(io.MultiReader(bytes.NewReader(unhex(stream)), iotest.ErrReader(lost)), codec)
		require.True(t, s.Scan())
		require.Len(t, s.Unit(), 2)
		require.False(t, s.Scan(), "cut, perhaps")
		require.Equal(t, lost, s.Err())
		require.False(t, s.Scan())
	}
}

func TestAccessUnitScannerErrors(t *testing.T) {
	for _, c := range []struct {
		name, stream, want string
		codec              Codec
		units              int
	}{
		{"nothing", "", "", H264, 0},
		{"zeros", "0000", "", H264, 0},
		{"no picture", "0000016742", "", H264, 0},
		{"parameter sets after the last picture", "0000016580 0000016742", "", H264, 1},
		{"no start code", "4180000001", "Annex B: no start code at the beginning", H264, 0},
		{"half a start code", "0001", "Annex B: no start code at the beginning", H264, 0},
		{"another codec", "0000016580", "AV1: access units can be scanned for H.264 and H.265 only", AV1, 0},
		{"too many NAL units", "0000014180 0000016580" + strings.Repeat("0000010cff", maxUnits), "Annex B: too many units, limit: 8192", H264, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			units, err := scanAll(bytes.NewReader(unhex(c.stream)), c.codec)
			assert.Len(t, units, c.units)
			if c.want == "" {
				require.NoError(t, err)
			} else {
				requireError(t, c.want, err)
			}
		})
	}
	_, err := scanAll(iotest.ErrReader(nil), H264)
	require.Equal(t, io.ErrNoProgress, err)
}

func TestAccessUnitIsBounded(t *testing.T) {
	picture := append(unhex("0000016580"), bytes.Repeat([]byte{0xff}, maxAccessUnit-5)...)
	for _, split := range []func(io.Reader) io.Reader{iotest.DataErrReader, iotest.HalfReader} {
		units, err := scanAll(split(bytes.NewReader(picture)), H264)
		require.NoError(t, err)
		require.Len(t, units, 1)
		for _, end := range []string{"ff", "ff0000010910"} {
			units, err = scanAll(split(bytes.NewReader(append(picture, unhex(end)...))), H264)
			requireError(t, "Annex B: access unit is too long, limit in bytes: 8388608", err)
			require.Empty(t, units)
		}
		tail := append(picture[:maxAccessUnit-4], unhex("0000010910")...)
		_, err = scanAll(split(bytes.NewReader(tail)), H264)
		requireError(t, "Annex B: access unit is too long, limit in bytes: 8388608", err)
	}
}

type pipe struct {
	stream  []byte
	at, max int
}

func (p *pipe) Read(b []byte) (int, error) {
	n := copy(b[:min(len(b), p.max)], p.stream[p.at:])
	p.at = (p.at + n) % len(p.stream)
	return n, nil
}

func TestScannersDoNotAllocate(t *testing.T) {
	stream := bytes.Repeat(unhex("0000010910 0000016742 00000168ce 0000016580ffffff 000001654011 0000010910 0000014180"), 10)
	s := NewAccessUnitScanner(&pipe{stream: stream, max: 7}, H264)
	frames := NewADTSScanner(&pipe{stream: unhex("fff15080017ffcdeadbeef"), max: 7})
	scan := func() {
		require.True(t, s.Scan())
		require.True(t, frames.Scan())
	}
	for range 10 {
		scan()
	}
	require.Zero(t, testing.AllocsPerRun(1000, scan))
}

func TestADTSScanner(t *testing.T) {
	frame := unhex("fff15080017ffcdeadbeef")
	two := append(bytes.Clone(frame), frame...)
	for _, c := range []struct {
		name   string
		stream []byte
		frames int
		want   string
	}{
		{"two", two, 2, ""},
		{"none", nil, 0, ""},
		{"ends inside a header", two[:14], 1, "ADTS: ends inside the header: unexpected EOF"},
		{"ends inside a frame", two[:20], 1, "ADTS: ends inside a frame of length: 11: unexpected EOF"},
		{"something else", append(bytes.Clone(frame), "ID3 tag"...), 1, "ADTS: no sync word: 18756"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, split := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.DataErrReader} {
				s := NewADTSScanner(split(bytes.NewReader(c.stream)))
				for range c.frames {
					require.True(t, s.Scan())
					require.Equal(t, unhex("deadbeef"), s.Frame())
					require.Equal(t, 44100, s.Config().SampleRate)
				}
				require.False(t, s.Scan())
				require.False(t, s.Scan())
				if c.want == "" {
					require.NoError(t, s.Err())
				} else {
					requireError(t, c.want, s.Err())
				}
			}
		})
	}
	lost := errors.New("lost")
	s := NewADTSScanner(io.MultiReader(bytes.NewReader(two[:20]), iotest.ErrReader(lost)))
	require.True(t, s.Scan())
	require.False(t, s.Scan())
	require.Equal(t, lost, s.Err())
}

// FuzzScanners checks that the units do not depend on how the input arrives, that they are in the input in the same order, and that each
// unit except the last is one picture.
func FuzzScanners(f *testing.F) {
	for _, seed := range []string{"", "0000016742 00000168ce 0000016580 0000014180 00000001 0140 000001 0910", "000001 6500000302ff 000001 6500000302ff",
		"0000014601 0000012601afff 0000014601 0000010201d0", "000001 41 000001 6580 0000 01 4180 00", "fff15080017ffcdeadbeef fff15080017ffcdeadbeef"} {
		f.Add(unhex(seed), byte(1))
		f.Add(unhex(seed), byte(5))
	}
	f.Fuzz(func(t *testing.T, b []byte, step byte) {
		pieces := func() io.Reader { return &pieces{rest: b, step: int(step)} }
		for _, codec := range []Codec{H264, H265} {
			want, wantErr := scanAll(bytes.NewReader(b), codec)
			got, err := scanAll(pieces(), codec)
			requireTyped(t, err)
			require.Equal(t, want, got)
			require.Equal(t, wantErr, err)
			all, splitErr := SplitAnnexB(nil, b)
			if splitErr != nil {
				continue
			}
			for _, u := range want {
				for nalu := range strings.FieldsSeq(u) {
					require.Equal(t, hex.EncodeToString(all[0]), nalu)
					all = all[1:]
				}
			}
		}
		whole, split := NewADTSScanner(bytes.NewReader(b)), NewADTSScanner(pieces())
		for whole.Scan() {
			require.True(t, split.Scan())
			require.Equal(t, whole.Frame(), split.Frame())
		}
		require.False(t, split.Scan())
		require.Equal(t, whole.Err(), split.Err())
	})
}

type pieces struct {
	rest    []byte
	n, step int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	p.n = (p.n + p.step) % 17
	n := copy(b[:min(len(b), p.n+1)], p.rest)
	p.rest = p.rest[n:]
	return n, nil
}
