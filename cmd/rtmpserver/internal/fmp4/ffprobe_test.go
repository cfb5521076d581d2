package fmp4

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/encoded"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/media"
)

// probed is ffprobe's description of a file.
type probed struct {
	Streams []struct {
		Codec string `json:"codec_name"`
		Tag   string `json:"codec_tag_string"`
	}
	Packets []struct {
		Stream int    `json:"stream_index"`
		PTS    string `json:"pts_time"`
		DTS    string `json:"dts_time"`
		Flags  string
		Hash   string `json:"data_hash"`
	}
}

// probe reads a file with ffprobe and decodes it with ffmpeg. Neither may report an error.
func probe(t *testing.T, file string) (p probed) {
	t.Helper()
	assert.Empty(t, programtest.Run(t, "ffmpeg", "-v", "warning", "-i", file, "-f", "null", "-"))
	out := programtest.Run(t, "ffprobe", "-v", "warning", "-show_streams", "-show_packets", "-show_data_hash", "md5", "-of", "json", file)
	require.NoError(t, json.Unmarshal([]byte(out), &p), "%s", out)
	return p
}

func seconds(t *testing.T, text string) time.Duration {
	t.Helper()
	s, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return time.Duration(s * float64(time.Second))
}

// remux converts an FLV file to MP4.
func remux(t *testing.T, file io.Reader, live bool) (contentType string, mp4 []byte) {
	t.Helper()
	r := media.NewFileReader(flv.NewReader(file))
	tracks, err := r.Tracks(context.Background())
	require.NoError(t, err)
	m, err := NewMuxer(tracks, live)
	require.NoError(t, err)
	var u media.Unit
	for {
		if err := r.Read(&u); err == io.EOF {
			break
		} else {
			require.NoError(t, err)
		}
		b, err := m.Add(&u)
		require.NoError(t, err)
		mp4 = append(mp4, joined(b)...)
	}
	b, err := m.Flush()
	require.NoError(t, err)
	return m.ContentType(), append(mp4, joined(b)...)
}

// TestFFprobeReadsEveryUnit converts an encoder's units to FLV and then to MP4. ffprobe must find all of them in the MP4 file, unchanged
// and with the same times.
func TestFFprobeReadsEveryUnit(t *testing.T) {
	programtest.Need(t, "ffmpeg", "ffprobe")
	const pictures, tone = "testsrc2=s=96x64:r=25:d=1", "sine=r=48000:d=1"
	for _, test := range []struct {
		encoded.Codec
		contentType, tag string
	}{
		{encoded.Codec{Name: "H.264 with B-frames", Codec: media.H264, Args: []string{pictures, "-c:v", "libx264", "-bf", "2", "-g", "10"}}, `video/mp4; codecs="avc1.64000a"`, "avc1"},
		{encoded.Codec{Name: "H.265", Codec: media.H265, Args: []string{pictures, "-c:v", "libx265", "-x265-params", "log-level=none"}}, `video/mp4; codecs="hvc1.1.6.L30.90"`, "hvc1"},
		{encoded.Codec{Name: "AV1", Codec: media.AV1, Args: []string{pictures, "-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8"}}, `video/mp4; codecs="av01.0.00M.08"`, "av01"},
		{encoded.Codec{Name: "AAC", Codec: media.AAC, Args: []string{tone, "-c:a", "aac"}}, `audio/mp4; codecs="mp4a.40.2"`, "mp4a"},
		{encoded.Codec{Name: "MP3", Codec: media.MP3, Args: []string{tone, "-c:a", "libmp3lame"}}, `audio/mp4; codecs="mp4a.6b"`, "mp4a"},
		{encoded.Codec{Name: "Opus", Codec: media.Opus, Args: []string{tone, "-c:a", "libopus"}}, `audio/mp4; codecs="opus"`, "Opus"},
	} {
		t.Run(test.Name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			dir := t.TempDir()
			track, units, err := test.Make(ctx, filepath.Join(dir, "in.mp4"))
			require.NoError(t, err)
			var file bytes.Buffer
			w := media.NewFileWriter(flv.NewWriter(&file), track)
			for i := range units {
				require.NoError(t, units[i].Write(w, track))
			}
			contentType, mp4 := remux(t, &file, true)
			assert.Equal(t, test.contentType, contentType)
			out := filepath.Join(dir, "out.mp4")
			require.NoError(t, os.WriteFile(out, mp4, 0o600))
			p := probe(t, out)
			assert.Equal(t, test.tag, p.Streams[0].Tag)
			require.Len(t, p.Packets, len(units))
			shift := seconds(t, p.Packets[0].DTS) - units[0].DTS // timestamps in FLV are not negative
			for i, packet := range p.Packets {
				at := fmt.Sprintf("unit %d", i)
				assert.InDelta(t, units[i].DTS+shift, seconds(t, packet.DTS), float64(time.Millisecond), at)
				assert.InDelta(t, units[i].PTS+shift, seconds(t, packet.PTS), float64(time.Millisecond), at)
				assert.Equal(t, units[i].KeyFrame, packet.Flags[0] == 'K', at)
				assert.Equal(t, fmt.Sprintf("MD5:%x", md5.Sum(payload(test.Codec.Codec, units[i].Parts))), packet.Hash, at)
			}
		})
	}
}

// payload returns a unit in the format of MP4.
func payload(c media.Codec, parts [][]byte) []byte {
	if c == media.H264 || c == media.H265 {
		return media.AppendAVCC(nil, parts)
	}
	return bytes.Join(parts, nil)
}
