// Package encoded makes access units with ffmpeg's encoders, for tests.
package encoded

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/media"
)

// Codec is a codec that ffmpeg can encode.
type Codec struct {
	Name  string
	Codec media.Codec
	Args  []string // ffmpeg's arguments after -i
}

// The sources last two seconds.
const (
	Pictures = "testsrc2=s=322x182:r=25:d=2"
	Tone     = "sine=440:r=48000:d=2"
)

// Codecs are the codecs for which Debian's ffmpeg has an encoder and which this library can carry.
var Codecs = []Codec{
	{"H.264 with B-frames", media.H264, []string{Pictures, "-c:v", "libx264", "-bf", "2", "-g", "20"}},
	{"H.265", media.H265, []string{Pictures, "-c:v", "libx265", "-x265-params", "log-level=none"}},
	{"AV1", media.AV1, []string{Pictures, "-c:v", "libaom-av1", "-cpu-used", "8", "-g", "20", "-crf", "60", "-b:v", "0"}}, // fast, with hidden frames
	{"VP9", media.VP9, []string{Pictures, "-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-b:v", "200k"}},
	{"AAC", media.AAC, []string{Tone, "-c:a", "aac"}},
	{"MP3", media.MP3, []string{Tone, "-c:a", "libmp3lame"}},
	{"Opus", media.Opus, []string{Tone, "-c:a", "libopus"}},
	{"FLAC", media.FLAC, []string{Tone, "-c:a", "flac", "-strict", "-2"}},
	{"AC-3", media.AC3, []string{Tone, "-c:a", "ac3"}},
	{"E-AC-3", media.EAC3, []string{Tone, "-c:a", "eac3"}},
}

// Unit is an access unit.
type Unit struct {
	PTS, DTS time.Duration
	KeyFrame bool
	Parts    [][]byte // the parts, as in media.Unit
}

// Make creates file, an MP4, and returns its units and the properties of their track.
func (c Codec) Make(ctx context.Context, file string) (track *media.Track, units []Unit, err error) {
	if _, err := run(ctx, "ffmpeg", append(append([]string{"-v", "error", "-y", "-f", "lavfi", "-i"}, c.Args...), file)...); err != nil {
		return nil, nil, err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	out, err := run(ctx, "ffprobe", "-v", "error", "-show_data", "-show_entries",
		"packet=pts_time,dts_time,pos,size,flags:stream=extradata", "-of", "json", file)
	if err != nil {
		return nil, nil, err
	}
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
	if err := json.Unmarshal(out, &probed); err != nil {
		return nil, nil, err
	}
	for _, p := range probed.Packets {
		pos, posErr := strconv.Atoi(p.Pos)
		size, sizeErr := strconv.Atoi(p.Size)
		pts, ptsErr := strconv.ParseFloat(p.PTS, 64)
		dts, dtsErr := strconv.ParseFloat(p.DTS, 64)
		if posErr != nil || sizeErr != nil || ptsErr != nil || dtsErr != nil || pos+size > len(content) {
			return nil, nil, fmt.Errorf("ffprobe's packet %+v", p)
		}
		u := Unit{PTS: seconds(pts), DTS: seconds(dts), KeyFrame: !c.Codec.IsVideo() || strings.Contains(p.Flags, "K")}
		if u.Parts, err = c.split(content[pos : pos+size]); err != nil {
			return nil, nil, err
		}
		units = append(units, u)
	}
	track = &media.Track{Codec: c.Codec}
	switch c.Codec {
	case media.VP9, media.AC3, media.EAC3, media.MP3: // MP4's configuration differs; the frames contain the properties
	default:
		track.Config, err = extradata(probed.Streams[0].Extradata)
	}
	return track, units, err
}

func run(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", name, err, complaint.Bytes())
	}
	return out, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func extradata(dump string) (b []byte, err error) {
	for _, line := range regexp.MustCompile(`(?m)^[0-9a-f]{8}: ((?:[0-9a-f]{2,4} )+)`).FindAllStringSubmatch(dump, -1) {
		part, err := hex.DecodeString(strings.ReplaceAll(line[1], " ", ""))
		if err != nil {
			return nil, err
		}
		b = append(b, part...)
	}
	return b, nil
}

func (c Codec) split(data []byte) (parts [][]byte, err error) {
	switch c.Codec {
	case media.H264, media.H265:
		return media.SplitAVCC(nil, data, 4)
	case media.AV1:
		return media.SplitOBUs(nil, data)
	}
	return [][]byte{data}, nil
}

// Write writes a unit with the method for its codec.
func (u *Unit) Write(w *media.Writer, track *media.Track) error {
	switch track.Codec {
	case media.H264:
		return w.WriteH264(track, u.PTS, u.DTS, u.Parts)
	case media.H265:
		return w.WriteH265(track, u.PTS, u.DTS, u.Parts)
	case media.AV1:
		return w.WriteAV1(track, u.PTS, u.Parts)
	}
	write := map[media.Codec]func(*media.Track, time.Duration, []byte) error{media.VP9: w.WriteVP9, media.AAC: w.WriteMPEG4Audio,
		media.MP3: w.WriteMP3, media.Opus: w.WriteOpus, media.FLAC: w.WriteFLAC, media.AC3: w.WriteAC3, media.EAC3: w.WriteEAC3}
	return write[track.Codec](track, u.PTS, u.Parts[0])
}
