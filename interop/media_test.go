package interop

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/encoded"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/media"
)

// decoded returns the MD5 of what ffmpeg decodes. It is computed with few messages, since ffmpeg reports for raw streams that their duration
// is unknown.
func decoded(t *testing.T, file string, args ...string) string {
	t.Helper()
	return programtest.Run(t, "ffmpeg", append(append([]string{"-v", "fatal"}, args...), "-i", file, "-fps_mode", "passthrough", "-f", "md5", "-")...)
}

// files contains, for each codec, the file format that a decoder reads and a function that makes such a file. Units of Opus are only
// compared.
var files = map[media.Codec]struct {
	ext  string
	make func(t *testing.T, track *media.Track, units [][][]byte) []byte
}{media.H264: {"h264", annexB}, media.H265: {"hevc", annexB}, media.AV1: {"obu", obus}, media.VP9: {"ivf", ivf("VP90")}, media.AAC: {"aac", adts},
	media.MP3: {"mp3", joined}, media.FLAC: {"flac", flac}, media.AC3: {"ac3", joined}, media.EAC3: {"eac3", joined}}

// TestMediaOfEveryCodec writes the output of ffmpeg's encoders to a file and to a server, and reads it again. Both must yield the same file
// for a decoder, and ffmpeg must decode it without errors.
func TestMediaOfEveryCodec(t *testing.T) {
	programtest.Need(t, "ffmpeg", "ffprobe")
	for _, c := range encoded.Codecs {
		t.Run(c.Name, func(t *testing.T) {
			dir := t.TempDir()
			source := filepath.Join(dir, "source.mp4")
			track, units, err := c.Make(conntest.Context(t), source)
			require.NoError(t, err)
			file := files[c.Codec]
			made := map[string][]byte{}
			for name, way := range map[string]func(*testing.T, *media.Track, []encoded.Unit) *media.Reader{"file": byFile, "server": byServer} {
				t.Run(name, func(t *testing.T) {
					got, out := readAll(t, way(t, track, units))
					assertUnits(t, units, got)
					if file.make == nil {
						return
					}
					all := make([][][]byte, len(got))
					for i := range got {
						all[i] = got[i].Parts
					}
					made[name] = file.make(t, out, all)
				})
			}
			if file.make == nil {
				return
			}
			require.True(t, bytes.Equal(made["file"], made["server"]))
			path := filepath.Join(dir, "made."+file.ext)
			require.NoError(t, os.WriteFile(path, made["file"], 0o644))
			var flags []string
			if !track.IsVideo() {
				flags = []string{"-flags2", "-skip_manual"} // the skipped samples at the beginning, which MP4 describes, are not in a stream
			}
			assert.Empty(t, programtest.Run(t, "ffmpeg", append(append([]string{"-v", "error"}, flags...), "-i", path, "-f", "null", "-")...))
			want := decoded(t, source, append(flags, "-ignore_editlist", "1")...)
			assert.Equal(t, want, decoded(t, path, flags...))
		})
	}
}

func assertUnits(t *testing.T, units, got []encoded.Unit) {
	t.Helper()
	require.Len(t, got, len(units))
	begin := min(units[0].DTS, 0)
	for i, want := range units {
		assert.Equal(t, want.KeyFrame, got[i].KeyFrame, "unit %d", i)
		assert.InDelta(t, want.DTS-begin, got[i].DTS, float64(time.Millisecond), "unit %d", i)
		assert.InDelta(t, want.PTS-begin, got[i].PTS, float64(2*time.Millisecond), "unit %d", i)
		require.Equal(t, want.Parts, got[i].Parts, "unit %d", i)
	}
}

// write writes all units of a track.
func write(t *testing.T, w *media.Writer, track *media.Track, units []encoded.Unit) {
	t.Helper()
	for i := range units {
		require.NoError(t, units[i].Write(w, track))
	}
	require.NoError(t, w.Close())
}

// byFile writes units to an FLV file.
func byFile(t *testing.T, track *media.Track, units []encoded.Unit) *media.Reader {
	var file bytes.Buffer
	write(t, media.NewFileWriter(flv.NewWriter(&file), track), track, units)
	return media.NewFileReader(flv.NewReader(&file))
}

// byServer publishes units at a server, and plays them.
func byServer(t *testing.T, track *media.Track, units []encoded.Unit) *media.Reader {
	server, err := testserver.Start(testserver.Config{})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	open := func(options *rtmp.StreamOptions) *rtmp.Stream {
		conn, err := rtmp.Dial(conntest.Context(t), server.URL("live", "cam"), &rtmp.Options{Live: true, Publish: options != nil, BackgroundRead: true})
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		stream, err := conn.CreateStream(conntest.Context(t), options)
		require.NoError(t, err)
		return stream
	}
	player, publisher := open(nil), open(&rtmp.StreamOptions{Writable: true})
	write(t, media.NewWriter(publisher, track), track, units)
	require.NoError(t, publisher.Close())
	return media.NewReader(player)
}

// readAll reads the only track of a stream.
func readAll(t *testing.T, r *media.Reader) (got []encoded.Unit, track *media.Track) {
	t.Helper()
	tracks, err := r.Tracks(conntest.Context(t))
	require.NoError(t, err)
	require.Len(t, tracks, 1)
	if track = tracks[0]; track.IsVideo() {
		assert.Equal(t, [2]int{322, 182}, [2]int{track.Width, track.Height})
	} else {
		assert.Equal(t, [2]int{48000, 1}, [2]int{track.SampleRate, track.Channels})
	}
	for {
		var u media.Unit
		err := r.Read(&u)
		if err == io.EOF {
			return got, track
		}
		require.NoError(t, err)
		kept := encoded.Unit{PTS: u.PTS, DTS: u.DTS, KeyFrame: u.KeyFrame}
		for _, p := range u.Parts {
			kept.Parts = append(kept.Parts, bytes.Clone(p))
		}
		got = append(got, kept)
	}
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
		for _, n := range []uint32{25, 1, uint32(len(units)), 0} { // frame rate, time scale and number of frames
			b = binary.LittleEndian.AppendUint32(b, n)
		}
		for i, u := range units {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(u[0])))
			b = append(binary.LittleEndian.AppendUint64(b, uint64(i)), u[0]...)
		}
		return b
	}
}

// TestMediaRecordings copies ffmpeg's recordings unit by unit. It checks that ffmpeg decodes each copy without a warning, to the same
// pictures and sound at the same times.
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
			programtest.Run(t, "ffmpeg", append(append([]string{"-v", "error", "-f", "lavfi", "-i", encoded.Pictures, "-f", "lavfi", "-i", encoded.Tone}, args...), source)...)
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
