// Package stages derives the stages of connecting, and facts about the protocol, from the events of a session.
package stages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/message"
)

const (
	// maxStages bounds the stages of a session that reconnects again and again.
	maxStages = 64
	// maxStatuses bounds the statuses that are kept.
	maxStatuses = 32
	// maxKinds bounds the kinds of unknown messages that are distinguished.
	maxKinds = 32
)

// Builder receives the events of a session. Use New.
type Builder struct {
	report   *report.Report
	mask     func(string) string
	now      time.Duration
	begun    map[string]time.Duration // stages in progress
	over     map[string]time.Duration // stages in progress that are over unless an error says otherwise
	waits    map[float64]string       // the stage that the answer to a transaction ends
	dialling map[string]time.Duration // addresses being dialled, of which there may be several
	trips    trips
	reached  bool  // the RTMP handshake has begun
	key      bool  // a key frame has arrived
	media    bool  // media has arrived
	opened   bool  // the server has agreed to play or publish
	closed   bool  // the client has begun to leave
	refusal  error // the server's last refusal
}

// New returns a Builder that fills in r. mask replaces secrets in texts from the server; nil means none.
func New(r *report.Report, mask func(string) string) *Builder {
	if mask == nil {
		mask = func(s string) string { return s }
	}
	r.Wire.TheirChunks, r.Wire.OurChunks = 128, 128 // RTMP 1.0 section 5.4.1
	return &Builder{report: r, mask: mask, begun: make(map[string]time.Duration), over: make(map[string]time.Duration),
		waits: make(map[float64]string), dialling: make(map[string]time.Duration)}
}

// Add implements event.Sink.
func (b *Builder) Add(e *event.Event) {
	b.now = e.At
	switch e.Kind {
	case event.Attempt:
		b.attempt(e.Text)
	case event.Resolving:
		b.begin(report.Name)
	case event.Resolved:
		b.end(report.Name, quote.Text(e.Text, 200), e.Err, 0)
	case event.Dialling:
		b.dialling[e.Text] = b.now
	case event.Dialled:
		b.dialled(e)
	case event.TLSStart:
		b.proxyDone()
		b.begin(report.TLSHandshake)
	case event.TLSDone:
		b.tlsDone(e)
	case event.Asked:
		if !b.reached { // later requests are polls
			b.over[report.Proxy] = b.now // but an HTTP proxy may answer in place of the server
			b.begin(report.Tunnel)
		}
	case event.Answered:
		b.over[report.Tunnel] = b.now // the answer may be a refusal
	case event.HandshakeStart:
		b.proxyDone()
		b.end(report.Tunnel, "the server answers HTTP", nil, 1)
		b.reached = true
		b.begin(report.Handshake)
	case event.HandshakeDone:
		b.handshakeDone(e)
	case event.Message:
		b.message(e)
	case event.Ended:
		b.sessionEnded(e)
	}
}

func (b *Builder) begin(stage string) {
	if _, underWay := b.begun[stage]; !underWay {
		b.begun[stage] = b.now
	}
}

func (b *Builder) end(name, text string, err error, trips int) {
	began, underWay := b.begun[name]
	if !underWay {
		return
	}
	ended := b.now
	if over, isOver := b.over[name]; isOver {
		ended = over
	}
	delete(b.begun, name)
	delete(b.over, name)
	s := report.Stage{Name: name, At: report.Duration(began), Took: report.Duration(ended - began), Text: text, Trips: trips}
	if err != nil {
		s.Error, s.Trips = b.because(err), 0
		if report.IsRefusal(err) {
			b.refusal = err
		}
	}
	b.add(s)
}

func (b *Builder) add(s report.Stage) {
	if len(b.report.Stages) < maxStages {
		b.report.Stages = append(b.report.Stages, s)
	}
}

func (b *Builder) because(err error) string {
	return quote.Text(strings.TrimPrefix(b.mask(err.Error()), "rtmp: "), 400)
}

// attempt starts another attempt to connect, and removes what belongs to the previous one. text says why.
func (b *Builder) attempt(text string) {
	clear(b.begun)
	clear(b.over)
	clear(b.waits)
	clear(b.dialling)
	b.trips, b.reached, b.refusal = trips{}, false, nil
	if text != "" {
		b.add(report.Stage{Name: "again", At: report.Duration(b.now), Text: text})
	}
}

func (b *Builder) dialled(e *event.Event) {
	text := e.Text
	if e.Proxy {
		text = "the proxy, " + text
	}
	began, underWay := b.dialling[e.Text]
	delete(b.dialling, e.Text)
	if !underWay || errors.Is(e.Err, context.Canceled) { // the dialling was cancelled because another address was faster
		return
	}
	b.begun[report.TCP] = began
	b.end(report.TCP, text, e.Err, 1)
	if e.Err != nil {
		return
	}
	b.trips.connected, b.trips.network = true, report.Duration(b.now-began)
	if e.Proxy {
		b.begin(report.Proxy)
	}
}

// proxyDone ends the proxy's stage, if there is one, since the next stage has begun.
func (b *Builder) proxyDone() { b.end(report.Proxy, "it has connected to the server", nil, 1) }

func (b *Builder) handshakeDone(e *event.Event) {
	if e.Err != nil {
		b.end(report.Handshake, "", e.Err, 0)
		return
	}
	h := e.Handshake
	text := "plain"
	switch {
	case h.Encrypted:
		text = "RTMPE"
	case h.Digest:
		text = "digest"
	}
	server := &b.report.Server
	server.Handshake = text
	if h.ServerVersion != [4]byte{} {
		v := h.ServerVersion
		server.Version = fmt.Sprintf("%d.%d.%d.%d", v[0], v[1], v[2], v[3])
		text += ", server version " + server.Version
	}
	if h.ServerType != 3 && !h.Encrypted {
		text += fmt.Sprintf(", version byte %d instead of 3", h.ServerType)
	}
	if !h.ReplyValid {
		text += "; S2 does not answer C1"
	}
	b.end(report.Handshake, text, nil, 1)
}

// sessionEnded ends the session, and the stage in progress with the session's error.
func (b *Builder) sessionEnded(e *event.Event) {
	err := b.reason(e.Err)
	if err == nil {
		return
	}
	b.report.Err, b.report.Error = err, b.because(err)
	var failed *rtmp.HandshakeError
	if errors.As(err, &failed) && failed.Stage == rtmp.StageProxy {
		delete(b.begun, report.Tunnel) // the request did not get further than the proxy
	} else if _, isOver := b.over[report.Proxy]; isOver {
		b.proxyDone()
	}
	for _, name := range []string{report.Name, report.TCP, report.TLSHandshake, report.Proxy, report.Tunnel, report.Handshake, report.Connect,
		report.CreateStream, report.Play, report.Publish} {
		b.end(name, "", err, 0)
	}
}

// reason returns why the session has ended. For a captured session err only says which end has closed the connection.
func (b *Builder) reason(err error) error {
	if b.refusal != nil && !b.opened && !report.IsRefusal(err) {
		return b.refusal
	}
	for _, name := range []string{report.Connect, report.CreateStream, report.Play, report.Publish} {
		if _, underWay := b.begun[name]; !underWay {
			continue
		}
		switch {
		case err == nil:
			return fmt.Errorf("%s: no answer: %w", name, os.ErrDeadlineExceeded)
		case name == report.Connect && errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, new(*rtmp.HandshakeError)):
			return &rtmp.HandshakeError{Stage: rtmp.StageConnect, Err: err}
		}
	}
	return err
}

// firsts records the first media and the first key frame.
func (b *Builder) firsts(e *event.Event) {
	if b.media && b.key {
		return
	}
	tag := flv.Tag{Type: flv.TagType(e.Packet.Type), Timestamp: e.Packet.Timestamp, Body: e.Packet.Body}
	first := func(name, text string) {
		b.add(report.Stage{Name: name, At: report.Duration(b.now), Text: text})
	}
	if e.Packet.Type == message.TypeAggregate {
		for sub, err := range message.Aggregate(e.Packet.Timestamp, e.Packet.Body) {
			if err == nil {
				part := *e
				part.Packet = &message.Packet{Type: sub.Type, Timestamp: sub.Timestamp, Body: sub.Body}
				b.firsts(&part)
			}
		}
		return
	}
	if tag.Type != flv.TagAudio && tag.Type != flv.TagVideo {
		return
	}
	if !b.media {
		b.media = true
		if _, underWay := b.begun[report.Play]; underWay {
			b.accepted(report.Play, "no NetStream.Play.Start, but media", nil)
		}
		b.report.Media.First = report.Duration(b.now)
		first(report.FirstPacket, tag.Type.String())
	}
	if kind, _ := flv.KindOf(tag); kind == flv.KindKeyFrame && !b.key {
		b.key = true
		b.report.Media.FirstKey = report.Duration(b.now)
		first(report.FirstKey, fmt.Sprintf("%d bytes", len(tag.Body)))
	}
}
