// Package watch analyzes the media of a session.
package watch

import (
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// maxSeconds bounds the number of bit rates that are kept: one per second for a day.
const maxSeconds = 24 * 3600

// Watcher receives the events of a session. The zero value is ready to use.
type Watcher struct {
	info         flv.Info
	sent, begun  bool          // sent: the client sends the media; begun: media has arrived
	first, last  time.Duration // arrival of the first and of the newest media
	rates        []report.Rate
	video        video
	audio        audio
	clock        clock
	pairs        pairs
	metadata     bool
	videoClaimed string // size according to the metadata
}

// Add implements event.Sink.
func (w *Watcher) Add(e *event.Event) {
	if e.Kind != event.Message || w.begun && e.Sent != w.sent {
		return
	}
	switch e.Packet.Type {
	case message.TypeAudio, message.TypeVideo, message.TypeAggregate:
		if !w.begun {
			w.begun, w.sent, w.first = true, e.Sent, e.At
		}
		w.packet(e.At, e.Packet)
	case message.TypeDataAMF0:
		w.script(e.Packet)
	}
}

func (w *Watcher) packet(at time.Duration, p *message.Packet) {
	switch p.Type {
	case message.TypeAggregate:
		for sub, err := range message.Aggregate(p.Timestamp, p.Body) {
			if err == nil && sub.Type != message.TypeAggregate {
				w.packet(at, &message.Packet{Type: sub.Type, Timestamp: sub.Timestamp, Body: sub.Body})
			}
		}
	case message.TypeDataAMF0:
		w.script(p)
	case message.TypeVideo:
		w.arrived(at, p)
		tag := flv.Tag{Type: flv.TagVideo, Timestamp: p.Timestamp, Body: p.Body}
		w.info.Add(tag)
		w.rate(at).Video += float64(8 * len(p.Body))
		w.video.add(w, at, tag)
	case message.TypeAudio:
		w.arrived(at, p)
		tag := flv.Tag{Type: flv.TagAudio, Timestamp: p.Timestamp, Body: p.Body}
		w.info.Add(tag)
		w.rate(at).Audio += float64(8 * len(p.Body))
		w.audio.add(w, at, tag)
	}
}

func (w *Watcher) script(p *message.Packet) {
	w.info.Add(flv.Tag{Type: flv.TagScript, Timestamp: p.Timestamp, Body: p.Body})
	name, values, _ := flv.ParseScript(p.Body)
	if name == "onMetaData" {
		w.metadata = true
		w.videoClaimed = claims(values)
	}
}

func (w *Watcher) rate(at time.Duration) *report.Rate {
	second := min(int((at-w.first)/time.Second), maxSeconds-1)
	for len(w.rates) <= second {
		w.rates = append(w.rates, report.Rate{})
	}
	return &w.rates[second]
}

func (w *Watcher) arrived(at time.Duration, p *message.Packet) {
	w.clock.arrived(at-w.first, at, p.Timestamp)
	w.last = at
}

// Report fills in m from the events so far. It may be called again.
func (w *Watcher) Report(m *report.Media, now time.Duration) {
	m.Metadata, m.Scripts, m.Announced = w.metadata, int(w.info.Script.Tags), w.videoClaimed != ""
	m.Duration = report.Duration(w.info.Duration)
	if !w.begun {
		return
	}
	m.For = report.Duration(now - w.first)
	m.Rates = append([]report.Rate(nil), w.rates...)
	if whole := int((now - w.first) / time.Second); whole > 0 && len(m.Rates) > whole { // leave out the last second, which is incomplete
		m.Rates = m.Rates[:whole]
	}
	if w.info.Video.Tags > 0 {
		m.Video = w.video.report(w, now)
	}
	if w.info.Audio.Tags > 0 {
		m.Audio = w.audio.report(w)
	}
	w.clock.report(m, now)
	w.offset(m)
	m.Jumps, m.Backs, m.Repeats = w.video.line.jumps, w.video.line.backs, w.video.line.repeats
	for _, of := range []struct{ all, more *report.Moments }{
		{&m.Jumps, &w.audio.line.jumps}, {&m.Backs, &w.audio.line.backs}, {&m.Repeats, &w.audio.line.repeats},
	} {
		if of.all.Count == 0 || of.more.Count > 0 && of.more.At < of.all.At {
			count := of.all.Count
			*of.all = *of.more
			of.all.Count += count
			continue
		}
		of.all.Count += of.more.Count
	}
}

// bits returns the mean bit rate of a tag type by its timestamps, or 0 if there are too few tags.
func bits(t flv.TagStats) float64 {
	if d := (t.Last - t.First).Seconds(); d > 0 {
		return float64(8*t.Bytes) / d
	}
	return 0
}
