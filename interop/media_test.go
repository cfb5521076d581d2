package interop

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/media"
)

// sourceUnit is what an encoder of ffmpeg's has made.
type sourceUnit struct {
	pts, dts time.Duration
	key      bool
	data     []byte
}

// encode makes a file with one stream, and returns its packets and configuration as ffprobe tells them.
func encode(t *testing.T, file string, args ...string) (units []sourceUnit, config []byte) {
	t.Helper()
	programtest.Run(t, "ffmpeg", append(append([]string{"-v", "error", "-y", "-f", "lavfi", "-i"}, args...), file)...)
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	out := programtest.Run(t, "ffprobe", "-v", "error", "-show_data", "-show_entries", "packet=pts_time,dts_time,pos,size,flags:stream=extradata", "-of", "json", file)
	var probed struct {
		Packets []struct {
			PTS   string `json:"pts_time"`
			DTS   string `json:"dts_time"`
			Pos   string
			Size  string
			Flags string
		}
		Streams []struct{ Extradata string }
	}
	require.NoError(t, json.Unmarshal([]byte(out), &probed))
	for _, p := range probed.Packets {
		pos, err := strconv.Atoi(p.Pos)
		require.NoError(t, err)
		size, err := strconv.Atoi(p.Size)
		require.NoError(t, err)
		units = append(units, sourceUnit{seconds(t, p.PTS), seconds(t, p.DTS), strings.Contains(p.Flags, "K"), content[pos : pos+size]})
	}
	require.NotEmpty(t, units)
	for _, line := range regexp.MustCompile(`(?m)^[0-9a-f]{8}: ((?:[0-9a-f]{2,4} )+)`).FindAllStringSubmatch(probed.Streams[0].Extradata, -1) {
		b, err := hex.DecodeString(strings.ReplaceAll(line[1], " ", ""))
		require.NoError(t, err)
		config = append(config, b...)
	}
	return units, config
}

func seconds(t *testing.T, s string) time.Duration {
	f, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return time.Duration(f * float64(time.Second))
}

// decoded returns the MD5 of what ffmpeg decodes, and checks that it finds no errors. (Of raw streams it warns that they don't tell
// how long they are.)
func decoded(t *testing.T, file string, args ...string) string {
	t.Helper()
	assert.Empty(t, programtest.Run(t, "ffmpeg", append(append([]string{"-v", "error"}, args...), "-i", file, "-f", "null", "-")...), "%s", file)
	return programtest.Run(t, "ffmpeg", append(append([]string{"-v", "fatal"}, args...), "-i", file, "-fps_mode", "passthrough", "-f", "md5", "-")...)
}

const pictures, tone = "testsrc2=s=322x182:r=25:d=2", "sine=440:r=48000:d=2"

// TestMediaOfEveryCodec writes what ffmpeg's encoders have made, reads it again, and lets ffmpeg decode what was read.
func TestMediaOfEveryCodec(t *testing.T) {
	programtest.Need(t, "ffmpeg", "ffprobe")
	x265 := []string{"-c:v", "libx265", "-x265-params", "log-level=none"}
	for _, c := range []struct {
		name, container string
		codec           media.Codec
		encoder         []string
		out             func(t *testing.T, track *media.Track, units [][][]byte) []byte // a file as decoders take it; nil: units are compared only
		ext             string
	}{
		{"H.264 with B-frames", "mp4", media.H264, append([]string{pictures}, "-c:v", "libx264", "-bf", "2", "-g", "20"), annexB, "h264"},
		{"H.265", "mp4", media.H265, append([]string{pictures}, x265...), annexB, "hevc"},
		{"AV1", "mp4", media.AV1, []string{pictures, "-c:v", "libaom-av1", "-cpu-used", "8", "-g", "20", "-b:v", "200k"}, obus, "obu"},
		{"VP9", "mp4", media.VP9, []string{pictures, "-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-b:v", "200k"}, ivf("VP90"), "ivf"},
		{"AAC", "mp4", media.AAC, []string{tone, "-c:a", "aac"}, adts, "aac"},
		{"MP3", "mp4", media.MP3, []string{tone, "-c:a", "libmp3lame"}, joined, "mp3"},
		{"Opus", "mp4", media.Opus, []string{tone, "-c:a", "libopus"}, nil, ""},
		{"FLAC", "mp4", media.FLAC, []string{tone, "-c:a", "flac", "-strict", "-2"}, flac, "flac"},
		{"AC-3", "mp4", media.AC3, []string{tone, "-c:a", "ac3"}, joined, "ac3"},
		{"E-AC-3", "mp4", media.EAC3, []string{tone, "-c:a", "eac3"}, joined, "eac3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			source := filepath.Join(dir, "source."+c.container)
			units, config := encode(t, source, c.encoder...)
			track := &media.Track{Codec: c.codec, Config: config}
			switch c.codec {
			case media.VP9, media.AC3, media.EAC3, media.MP3:
				track.Config = nil // what MP4 has is something else, and the frames tell it
			}
			got, out := copied(t, track, units)
			require.Len(t, got, len(units))
			for i := range units {
				want := units[i]
				begin := units[0].dts
				assert.Equal(t, want.key || !track.IsVideo(), got[i].key, "unit %d", i)
				assert.InDelta(t, want.dts-min(begin, 0), got[i].dts, float64(time.Millisecond), "unit %d", i)
				if track.IsVideo() {
					assert.InDelta(t, want.pts-min(begin, 0), got[i].pts, float64(2*time.Millisecond), "unit %d", i)
				}
				require.Equal(t, split(t, c.codec, want.data), got[i].parts, "unit %d", i)
			}
			if c.out == nil {
				return
			}
			file := filepath.Join(dir, "read."+c.ext)
			all := make([][][]byte, len(got))
			for i := range got {
				all[i] = got[i].parts
			}
			require.NoError(t, os.WriteFile(file, c.out(t, out, all), 0o644))
			var flags []string
			if !track.IsVideo() {
				flags = []string{"-flags2", "-skip_manual"} // what MP4 says of silence at the beginning is not in a stream
			}
			want := decoded(t, source, append(flags, "-ignore_editlist", "1")...)
			assert.Equal(t, want, decoded(t, file, flags...))
		})
	}
}

type readUnit struct {
	pts, dts time.Duration
	key      bool
	parts    [][]byte
}

// copied writes units to an FLV file and reads it.
func copied(t *testing.T, track *media.Track, units []sourceUnit) (got []readUnit, out *media.Track) {
	t.Helper()
	var file bytes.Buffer
	w := media.NewFileWriter(flv.NewWriter(&file), track)
	for _, u := range units {
		parts := split(t, track.Codec, u.data)
		var err error
		switch track.Codec {
		case media.H264:
			err = w.WriteH264(track, u.pts, u.dts, parts)
		case media.H265:
			err = w.WriteH265(track, u.pts, u.dts, parts)
		case media.AV1:
			err = w.WriteAV1(track, u.pts, parts)
		case media.VP9:
			err = w.WriteVP9(track, u.pts, u.data)
		case media.AAC:
			err = w.WriteMPEG4Audio(track, u.pts, u.data)
		case media.MP3:
			err = w.WriteMP3(track, u.pts, u.data)
		case media.Opus:
			err = w.WriteOpus(track, u.pts, u.data)
		case media.FLAC:
			err = w.WriteFLAC(track, u.pts, u.data)
		case media.AC3:
			err = w.WriteAC3(track, u.pts, u.data)
		case media.EAC3:
			err = w.WriteEAC3(track, u.pts, u.data)
		}
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	r := media.NewFileReader(flv.NewReader(&file))
	tracks, err := r.Tracks(context.Background())
	require.NoError(t, err)
	require.Len(t, tracks, 1)
	if track.IsVideo() {
		assert.Equal(t, [2]int{322, 182}, [2]int{tracks[0].Width, tracks[0].Height})
	} else {
		assert.Equal(t, [2]int{48000, 1}, [2]int{tracks[0].SampleRate, tracks[0].Channels})
	}
	for {
		var u media.Unit
		err := r.Read(&u)
		if err == io.EOF {
			return got, tracks[0]
		}
		require.NoError(t, err)
		kept := readUnit{pts: u.PTS, dts: u.DTS, key: u.KeyFrame}
		for _, p := range u.Parts {
			kept.parts = append(kept.parts, bytes.Clone(p))
		}
		got = append(got, kept)
	}
}

// split takes a packet of MP4 apart.
func split(t *testing.T, codec media.Codec, data []byte) (parts [][]byte) {
	t.Helper()
	var err error
	switch codec {
	case media.H264, media.H265:
		parts, err = media.SplitAVCC(nil, data, 4)
	case media.AV1:
		parts, err = media.SplitOBUs(nil, data)
	default:
		parts = [][]byte{data}
	}
	require.NoError(t, err)
	return parts
}

func annexB(_ *testing.T, track *media.Track, units [][][]byte) []byte {
	b := media.AppendAnnexB(nil, track.ParameterSets)
	for _, u := range units {
		b = media.AppendAnnexB(b, u)
	}
	return b
}

func obus(t *testing.T, _ *media.Track, units [][][]byte) (b []byte) {
	var err error
	for _, u := range units {
		b, err = media.AppendTemporalUnit(b, u)
		require.NoError(t, err)
	}
	return b
}

func adts(t *testing.T, track *media.Track, units [][][]byte) (b []byte) {
	c, err := flv.ParseAudioSpecificConfig(track.Config)
	require.NoError(t, err)
	for _, u := range units {
		b, err = media.AppendADTS(b, c, u[0])
		require.NoError(t, err)
	}
	return b
}

func joined(_ *testing.T, _ *media.Track, units [][][]byte) (b []byte) {
	for _, u := range units {
		b = append(b, u[0]...)
	}
	return b
}

func flac(t *testing.T, track *media.Track, units [][][]byte) []byte {
	return append(bytes.Clone(track.Config), joined(t, track, units)...)
}

func ivf(fourCC string) func(t *testing.T, track *media.Track, units [][][]byte) []byte {
	return func(_ *testing.T, track *media.Track, units [][][]byte) []byte {
		b := append([]byte("DKIF\x00\x00\x20\x00"), fourCC...)
		b = binary.LittleEndian.AppendUint16(b, uint16(track.Width))
		b = binary.LittleEndian.AppendUint16(b, uint16(track.Height))
		for _, n := range []uint32{25, 1, uint32(len(units)), 0} { // rate, scale, frames
			b = binary.LittleEndian.AppendUint32(b, n)
		}
		for i, u := range units {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(u[0])))
			b = append(binary.LittleEndian.AppendUint64(b, uint64(i)), u[0]...)
		}
		return b
	}
}

// TestMediaRecordings copies recordings of ffmpeg's unit by unit: ffmpeg decodes the copy without a warning, to the same pictures
// and sound at the same times.
func TestMediaRecordings(t *testing.T) {
	programtest.Need(t, "ffmpeg")
	for name, args := range map[string][]string{
		"H.264 with B-frames and AAC": {"-c:v", "libx264", "-bf", "2", "-g", "20", "-c:a", "aac"},
		"H.264 and MP3":               {"-c:v", "libx264", "-ar", "44100", "-c:a", "libmp3lame"},
		"A-law":                       {"-vn", "-ar", "8000", "-c:a", "pcm_alaw"},
		"mu-law":                      {"-vn", "-ar", "8000", "-c:a", "pcm_mulaw"},
		"LPCM":                        {"-vn", "-ar", "22050", "-ac", "2", "-c:a", "pcm_s16le"},
		"Sorenson H.263 and Speex":    {"-c:v", "flv", "-ar", "16000", "-c:a", "libspeex"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			source, copied := filepath.Join(dir, "source.flv"), filepath.Join(dir, "copy.flv")
			programtest.Run(t, "ffmpeg", append(append([]string{"-v", "error", "-f", "lavfi", "-i", pictures, "-f", "lavfi", "-i", tone}, args...), source)...)
			in, err := os.Open(source)
			require.NoError(t, err)
			defer in.Close()
			out, err := os.Create(copied)
			require.NoError(t, err)
			defer out.Close()
			r := media.NewFileReader(flv.NewReader(in))
			tracks, err := r.Tracks(context.Background())
			require.NoError(t, err)
			w := media.NewFileWriter(flv.NewWriter(out), tracks...)
			for u := (media.Unit{}); ; {
				if err = r.Read(&u); err != nil {
					break
				}
				require.NoError(t, w.WriteUnit(&u))
			}
			require.Equal(t, io.EOF, err)
			require.NoError(t, w.Close())
			md5 := func(file string) string {
				return programtest.Run(t, "ffmpeg", "-v", "warning", "-i", file, "-f", "framemd5", "-")
			}
			want, got := md5(source), md5(copied)
			assert.Equal(t, want, got)
			assert.Contains(t, got, "#stream#")
			warnings := programtest.Run(t, "ffmpeg", "-v", "warning", "-i", copied, "-f", "null", "-")
			assert.Empty(t, strings.TrimPrefix(warnings, "Guessed Channel Layout for Input Stream #0.0 : mono\n"), "warnings")
		})
	}
}
