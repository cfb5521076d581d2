package show_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"image"
	_ "image/png" // for Decode
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/show"
)

var update = flag.Bool("update", false, "write the screens anew")

func ms(n float64) report.Duration { return report.Duration(n * float64(time.Millisecond)) }

func played() *report.Report {
	r := &report.Report{URL: "rtmps://example.com/live",
		Stages: []report.Stage{
			{Name: report.Name, Took: ms(12.3), Text: "192.0.2.1, 2001:db8::1"},
			{Name: report.TCP, At: ms(12.4), Took: ms(20.1), Text: "192.0.2.1:443", Trips: 1},
			{Name: report.TLSHandshake, At: ms(32.6), Took: ms(41.7), Text: "TLS 1.3, for example.com, www.example.com, by R11, until 2027-01-31", Trips: 1},
			{Name: report.Handshake, At: ms(74.4), Took: ms(20.4), Text: "plain; S2 does not answer C1", Trips: 1},
			{Name: report.Connect, At: ms(95), Took: ms(21), Trips: 1, Text: "FMS/3,0,1,123, which may be nginx-rtmp, ffmpeg, SRS or lal, " +
				"capabilities 31, AMF0, Enhanced RTMP (hvc1 av01 reconnect)"},
			{Name: report.CreateStream, At: ms(116), Took: ms(20), Trips: 1, Text: "message stream 1"},
			{Name: report.Play, At: ms(136), Took: ms(61.5), Trips: 1, Text: `NetStream.Play.Start: "Started playing ***."`},
			{Name: report.FirstPacket, At: ms(197.7), Text: "video"},
			{Name: report.FirstKey, At: ms(1204.5), Text: "61234 bytes"},
		},
		Trips:    report.Trips{Count: 6, RTT: ms(20.1), RTMP: 4, Commands: 2, Earliest: 1, Slow: []string{report.Play}},
		Statuses: []report.Status{{At: ms(190), Code: "NetStream.Play.Start", Description: `"Started playing ***."`}, {At: ms(300), Code: "NetStream.Data.Start"}},
		Wire: report.Wire{Read: 2_512_345, Written: 3900, ReadRate: 2_004_000, WrittenRate: 120, MessagesReceived: 900, TheirChunks: 4096, OurChunks: 128,
			TheirWindow: 2_500_000, AcksSent: 2, AcksGot: 1, Bandwidth: 2_500_000, PingsGot: 1},
		Media: report.Media{For: ms(10_000), Pace: 0.998, Burst: ms(1900), Offset: ms(-38), Drift: ms(2.4), First: ms(197.7), FirstKey: ms(1204.5), Metadata: true,
			Video: &report.Video{Codec: "H.264", Profile: "High", Level: "4.1", Width: 1920, Height: 1080, Rate: 29.97, Bits: 1_880_000, Tracks: 1, Frames: 299,
				Largest: 181_000, BFrames: true, Keys: report.Keys{Count: 3, Mean: ms(4000), Longest: ms(4004)}},
			Audio:  &report.Audio{Codec: "AAC", Profile: "LC", SampleRate: 48_000, Channels: 2, Bits: 128_400, Tracks: 2, Clock: ms(-12)},
			Jumps:  report.Moments{Count: 1, Track: "video", From: ms(1000), To: ms(9000)},
			Stalls: []report.Gap{{At: ms(5000), Took: ms(700)}}},
		Findings: []report.Finding{
			{ID: "time-jumps", Grade: report.Warning, Text: "Timestamps jump forward, 1 time: first that of video, from 1.000 s to 9.000 s.",
				Do: "Players stall or skip there. The publisher's clock, or a server that joins streams, is at fault."},
			{ID: "b-frames", Grade: report.Note, Text: "The video has B-frames."},
		},
	}
	for i := range 10 {
		r.Media.Rates = append(r.Media.Rates, report.Rate{Video: 1.8e6 + 4e5*math.Sin(float64(i)), Audio: 128_000})
	}
	return r
}

func refused() *report.Report {
	return &report.Report{URL: "rtmp://example.com/app", Publish: true,
		Stages: []report.Stage{
			{Name: report.TCP, Took: ms(0.2), Text: "192.0.2.1:1935", Trips: 1},
			{Name: report.Handshake, At: ms(0.3), Took: ms(1), Text: "digest, server version 5.0.17.1", Trips: 1},
			{Name: report.Connect, At: ms(2), Took: ms(3000), Error: "connect: no answer"},
			{Name: "again", At: ms(3002), Text: "once more, without announcing Enhanced RTMP"},
			{Name: report.Connect, At: ms(3005), Took: ms(1), Error: `server: NetConnection.Connect.Rejected: "no such app"`},
		},
		Error: `connect: server: NetConnection.Connect.Rejected: "no such app"`,
		Wire:  report.Wire{Read: 3500, Written: 3400, MessagesReceived: 3, TheirChunks: 128, OurChunks: 128},
		Trials: []report.Trial{{What: "the digest handshake", Text: `server: NetConnection.Connect.Rejected: "no such app"`},
			{What: "the application app/inst", Worked: true, Text: "the server accepts the stream"}},
		Commands: []report.Command{{Program: "ffmpeg", Lines: []string{"ffmpeg -re -i input.mp4 -c copy -f flv -rtmp_app app/inst rtmp://example.com/app/inst/STREAM_KEY"}},
			{Program: "OBS", Lines: []string{"Service: Custom", "Server: rtmp://example.com/app/inst", "Stream Key: STREAM_KEY"}}},
		Findings: []report.Finding{{ID: "connect-refused", Grade: report.Error, Text: `The server refused connect: server: NetConnection.Connect.Rejected: "no such app"`,
			Do: "Check the application, the part of the path after the host; see which other settings work below."}},
	}
}

func TestScreens(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer) error{
		"played":  func(b *bytes.Buffer) error { return show.Text(b, played(), 0) },
		"refused": func(b *bytes.Buffer) error { return show.Text(b, refused(), 0) },
		"compare": func(b *bytes.Buffer) error { return show.Compare(b, []*report.Report{played(), refused()}) },
		"nothing": func(b *bytes.Buffer) error { return show.Text(b, &report.Report{URL: "rtmp://h/a"}, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			require.NoError(t, write(&b))
			file := filepath.Join("testdata", name+".txt")
			if *update {
				require.NoError(t, os.WriteFile(file, b.Bytes(), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), b.String())
			for line := range strings.Lines(b.String()) {
				assert.Equal(t, strings.TrimRight(line, " \n"), strings.TrimSuffix(line, "\n"), "no space at the end of a line")
			}
		})
	}
}

// TestWidth checks that prose fits on a narrow terminal without being cut inside a word.
func TestWidth(t *testing.T) {
	for _, columns := range []int{80, 100, 200} {
		var b bytes.Buffer
		require.NoError(t, show.Text(&b, played(), columns))
		for line := range strings.Lines(b.String()) {
			assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), min(columns, 110), line)
		}
	}
}

// TestZero checks that no number in a report is -0.
func TestZero(t *testing.T) {
	r := played()
	r.Media.Drift = ms(-0.3)
	for high := range 100 {
		r.Media.Rates = []report.Rate{{}, {Video: 1000 * 32.1 * float64(high)}, {}, {}}
		var b bytes.Buffer
		require.NoError(t, show.Text(&b, r, 0))
		require.NotContains(t, b.String(), " -0 ")
		require.Contains(t, b.String(), "drift 0 ms")
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, show.JSON(&b, []*report.Report{played()}))
	var got []map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &got))
	stages := got[0]["stages"].([]any)
	assert.Equal(t, map[string]any{"name": "tcp", "at_ms": 12.4, "took_ms": 20.1, "text": "192.0.2.1:443", "round_trips": 1.0}, stages[1])
	assert.Equal(t, "warning", got[0]["findings"].([]any)[0].(map[string]any)["grade"])
	assert.NotContains(t, b.String(), "Err\"")
}

func TestPlot(t *testing.T) {
	for _, name := range []string{"a.svg", "a.png"} {
		file := filepath.Join(t.TempDir(), name)
		require.NoError(t, show.Plot(file, []*report.Report{played(), played()}))
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.HasSuffix(name, "svg") {
			assert.Contains(t, string(b), "video of rtmps://example.com/live")
			continue
		}
		picture, _, err := image.Decode(bytes.NewReader(b))
		require.NoError(t, err)
		assert.Greater(t, picture.Bounds().Dx(), 300)
	}
	require.Error(t, show.Plot(filepath.Join(t.TempDir(), "b.svg"), []*report.Report{refused()}))
	require.Error(t, show.Plot(filepath.Join(t.TempDir(), "b.txt"), []*report.Report{played()}))
}

func screen(columns, lines int, reports ...*report.Report) string {
	var b bytes.Buffer
	s := show.NewScreen(&b, func() (int, int) { return columns, lines })
	s.Draw(nil)
	s.Draw(reports)
	s.Close()
	return b.String()
}

func TestScreen(t *testing.T) {
	out := screen(0, 0, played(), refused())
	assert.True(t, strings.HasPrefix(out, "\x1b[?1049h"))
	assert.True(t, strings.HasSuffix(out, "\x1b[?1049l"))
	assert.Equal(t, 2, strings.Count(out, "\x1b[H"))
	assert.Contains(t, out, "Side by side")
	assert.Contains(t, out, "Connecting")
}

// TestSmallScreens checks that the report fits on every terminal, and that the findings are shown if there is room for them.
func TestSmallScreens(t *testing.T) {
	for _, columns := range []int{1, 20, 80, 110, 200} {
		for _, height := range []int{1, 2, 5, 10, 24, 30, 50, 80} {
			out := screen(columns, height, played())
			out = out[strings.LastIndex(out, "\x1b[H")+3:]
			lines := strings.Split(strings.TrimSuffix(out, "\x1b[K\x1b[J\x1b[?25h\x1b[?1049l"), "\x1b[K\r\n")
			require.LessOrEqual(t, len(lines), height)
			for _, line := range lines {
				require.LessOrEqual(t, utf8.RuneCountInString(line), max(columns, len("...")))
			}
			if columns > 100 && height >= 24 {
				require.Contains(t, out, "Findings")
				require.NotEqual(t, "...", lines[len(lines)-1])
			}
		}
	}
}
