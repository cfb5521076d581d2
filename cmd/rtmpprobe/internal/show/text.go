// Package show writes reports for people and for programs.
package show

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/guptarohit/asciigraph"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

// maxWidth is the maximum length of lines of prose, in columns.
const maxWidth = 110

// page is a report as text.
type page struct {
	bytes.Buffer
	width int // maximum length of lines of prose, in columns
}

// newPage returns a page for a screen of this number of columns; 0 means unknown.
func newPage(columns int) *page {
	if columns <= 0 {
		columns = maxWidth
	}
	return &page{width: min(columns, maxWidth)}
}

type section func(*page, *report.Report)

var everything = []section{stages, media, graph, wire, trials, findings}

// Text writes a report as text for a screen of this number of columns; 0 means unknown.
func Text(w io.Writer, r *report.Report, columns int) error {
	b := newPage(columns)
	text(b, r, everything)
	_, err := w.Write(b.Bytes())
	return err
}

func text(b *page, r *report.Report, sections []section) {
	what := "play"
	if r.Publish {
		what = "publish"
	}
	fmt.Fprintf(b, "%s  (%s)\n", r.URL, what)
	for _, problem := range r.Problems {
		wrap(b, "  ", problem)
	}
	for _, write := range sections {
		write(b, r)
	}
}

func title(b *page, text string) { fmt.Fprintf(b, "\n%s\n", text) }

func stages(b *page, r *report.Report) {
	fmt.Fprintf(b, "\n%-17s %9s %9s\n", "Connecting", "at", "took")
	for _, s := range r.Stages {
		text, took := s.Text, ms(s.Took)
		if s.Error != "" {
			text = join(text, "FAILED: "+s.Error)
		}
		switch s.Name {
		case report.FirstPacket, report.FirstKey, "again":
			took = ""
		}
		wrap(b, fmt.Sprintf("  %-15s %9s %9s  ", s.Name, ms(s.At), took), text)
	}
	statuses(b, r)
	if t := r.Trips; t.Count > 0 {
		text := report.Number(t.Count, "round trip")
		if t.RTT > 0 {
			text += " of about " + ms(t.RTT)
		}
		text += fmt.Sprintf(", %d of them for RTMP", t.RTMP)
		if t.RTMP > t.Commands {
			text += fmt.Sprintf("; %d with pipelined commands, %d with a pipelined handshake", t.Commands, t.Earliest)
		}
		wrap(b, "  ", text)
	}
}

const maxStatuses = 8

// statuses shows the statuses that are not part of a stage.
func statuses(b *page, r *report.Report) {
	shown := 0
	for i, s := range r.Statuses {
		told := func(stage report.Stage) bool {
			return stage.Text == s.Text() || strings.Contains(stage.Error, s.Text())
		}
		if slices.ContainsFunc(r.Stages, told) {
			continue
		}
		if shown == maxStatuses {
			fmt.Fprintf(b, "  and %d more statuses\n", len(r.Statuses)-i)
			return
		}
		shown++
		wrap(b, fmt.Sprintf("  %-15s %9s %9s  ", "status", ms(s.At), ""), s.Text())
	}
}

func media(b *page, r *report.Report) {
	m := &r.Media
	if m.Video == nil && m.Audio == nil {
		return
	}
	title(b, fmt.Sprintf("Media, watched for %s", seconds(m.For)))
	if v := m.Video; v != nil {
		wrap(b, "  video     ", tracks(video(v), v.Tracks))
		wrap(b, "            ", keys(v))
	}
	if a := m.Audio; a != nil {
		wrap(b, "  audio     ", tracks(audio(a), a.Tracks))
	}
	if text := timing(m); text != "" {
		wrap(b, "  time      ", text)
	}
}

func video(v *report.Video) string {
	text := join(v.Codec, v.Profile)
	if v.Level != "" {
		text += " level " + v.Level
	}
	if v.Width > 0 {
		text += fmt.Sprintf(", %dx%d", v.Width, v.Height)
	}
	text += fmt.Sprintf(", %.2f frames/s, %s", v.Rate, bits(v.Bits))
	if v.BFrames {
		text += ", B-frames"
	}
	return text
}

func audio(a *report.Audio) string {
	text := join(a.Codec, a.Profile)
	if a.SampleRate > 0 {
		text += fmt.Sprintf(", %d Hz", a.SampleRate)
	}
	if a.Channels > 0 {
		text += ", " + report.Number(a.Channels, "channel")
	}
	return text + ", " + bits(a.Bits)
}

// timing describes when media arrives, compared with its timestamps.
func timing(m *report.Media) (text string) {
	if m.Pace > 0 {
		text = fmt.Sprintf("arrives at %.2f times real time", m.Pace)
	}
	if m.Burst > report.Duration(200*time.Millisecond) {
		text = list(text, seconds(m.Burst)+" more in the first second")
	}
	if m.Video != nil && m.Audio != nil {
		first, second, d := "audio", "video", m.Offset
		if d < 0 {
			first, second, d = second, first, -d
		}
		text = list(text, fmt.Sprintf("%s is sent %.0f ms ahead of %s, drift %s", first, float64(d)/float64(time.Millisecond), second, signed(m.Drift)))
	}
	if a := m.Audio; a != nil && (a.Clock >= notable || a.Clock <= -notable) {
		text = list(text, "audio timestamps are "+signed(a.Clock)+" ahead of the samples")
	}
	for _, wrong := range []struct {
		what string
		m    report.Moments
	}{{"time jump", m.Jumps}, {"time step back", m.Backs}, {"repeated time", m.Repeats}} {
		if wrong.m.Count > 0 {
			text = list(text, report.Number(wrong.m.Count, wrong.what))
		}
	}
	if len(m.Stalls) > 0 {
		text = list(text, report.Number(len(m.Stalls), "stall"))
	}
	return text
}

// notable is the least difference between timestamps and sample count that is shown.
const notable = report.Duration(5 * time.Millisecond)

func keys(v *report.Video) string {
	text := report.Number(v.Frames, "frame") + ", " + report.Number(v.Keys.Count, "key frame")
	if v.Keys.Mean > 0 {
		text += fmt.Sprintf(" every %s, %s apart at most", seconds(v.Keys.Mean), seconds(v.Keys.Longest))
	}
	return text + fmt.Sprintf("; the largest has %s", size(v.Largest))
}

func graph(b *page, r *report.Report) {
	rates := r.Media.Rates
	if len(rates) < 3 {
		return
	}
	all := make([]float64, len(rates))
	for i, r := range rates {
		all[i] = (r.Video + r.Audio) / 1000
	}
	b.WriteByte('\n')
	plot := asciigraph.Plot(all, asciigraph.Height(6), asciigraph.Width(60), asciigraph.LowerBound(0), asciigraph.Precision(0),
		asciigraph.Offset(8))
	for line := range strings.Lines(plot + "\n") {
		line = strings.Replace(line, " -0 ", "  0 ", 1) // the lowest label is inexact
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	fmt.Fprintf(b, "            kbit/s in each of %d seconds\n", len(rates))
}

func wire(b *page, r *report.Report) {
	w := &r.Wire
	if w.MessagesReceived == 0 {
		return
	}
	title(b, "Wire")
	if w.Read > 0 {
		wrap(b, "  bytes     ", fmt.Sprintf("%s read (%s), %s written (%s)", size(int(w.Read)), bits(w.ReadRate), size(int(w.Written)), bits(w.WrittenRate)))
	}
	text := fmt.Sprintf("chunks of %d bytes from the server, %d from us", w.TheirChunks, w.OurChunks)
	if w.TheirWindow > 0 {
		text += fmt.Sprintf("; window %d bytes, %s sent", w.TheirWindow, report.Number(w.AcksSent, "acknowledgement"))
	}
	if w.AcksGot > 0 {
		text += fmt.Sprintf(", %d received", w.AcksGot)
	}
	if w.Bandwidth > 0 {
		text += fmt.Sprintf("; peer bandwidth %d bytes", w.Bandwidth)
	}
	if w.PingsGot > 0 {
		text += "; " + report.Number(w.PingsGot, "ping")
	}
	wrap(b, "  protocol  ", text)
}

func trials(b *page, r *report.Report) {
	if len(r.Trials) > 0 {
		title(b, "Other settings")
		for _, t := range r.Trials {
			result := "no"
			if t.Worked {
				result = "yes"
			}
			wrap(b, fmt.Sprintf("  %-4s", result), t.What+": "+t.Text)
		}
	}
	if len(r.Commands) > 0 {
		title(b, "With other programs")
		for _, c := range r.Commands {
			for i, line := range c.Lines {
				name := ""
				if i == 0 {
					name = c.Program
				}
				fmt.Fprintf(b, "  %-9s %s\n", name, line)
			}
		}
	}
}

func findings(b *page, r *report.Report) {
	title(b, "Findings")
	for _, f := range r.Findings {
		wrap(b, fmt.Sprintf("  %-8s ", f.Grade), f.Text)
		if f.Do != "" {
			wrap(b, "           ", f.Do)
		}
	}
}

func wrap(b *page, prefix, text string) {
	indent := strings.Repeat(" ", len(prefix))
	line := prefix
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			line += word
		case len(line)+1+len(word) > b.width && len(line) > len(prefix):
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent + word
		default:
			line += " " + word
		}
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
