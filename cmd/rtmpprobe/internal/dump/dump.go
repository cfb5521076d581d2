// Package dump writes every message of a session with its meaning.
package dump

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/message"
)

// Writer writes a line for each message. It is an event.Sink.
type Writer struct {
	w    *bufio.Writer
	mask func(string) string
	err  error
}

// New returns a Writer to w. mask replaces secrets.
func New(w io.Writer, mask func(string) string) *Writer {
	return &Writer{w: bufio.NewWriter(w), mask: mask}
}

// Add implements event.Sink.
func (d *Writer) Add(e *event.Event) {
	if d.err != nil {
		return
	}
	if text := d.line(e); text != "" {
		_, d.err = fmt.Fprintf(d.w, "%10.3f  %s\n", e.At.Seconds(), text)
	}
	if e.Kind == event.Message && e.Packet.Type == message.TypeAggregate {
		d.parts(e.Packet)
	}
	if e.Kind == event.Ended && d.err == nil {
		d.err = d.w.Flush()
	}
}

// Err returns the first write error.
func (d *Writer) Err() error { return d.err }

func (d *Writer) parts(p *message.Packet) {
	for sub, err := range message.Aggregate(p.Timestamp, p.Body) {
		if err != nil || d.err != nil || sub.Type == message.TypeAggregate {
			return
		}
		part := message.Packet{Type: sub.Type, Timestamp: sub.Timestamp, Body: sub.Body}
		_, d.err = fmt.Fprintf(d.w, "%10s    %-28s %s\n", "", part.Type, d.meaning(&part))
	}
}

func (d *Writer) line(e *event.Event) string {
	switch e.Kind {
	case event.Message:
		arrow := "<"
		if e.Sent {
			arrow = ">"
		}
		p := e.Packet
		return fmt.Sprintf("%s %-28s %s  [chunk stream %d, message stream %d, %d bytes]", arrow, p.Type, d.meaning(p), p.ChunkStreamID, p.StreamID,
			len(p.Body))
	case event.HandshakeDone:
		if e.Err == nil {
			return "= handshake"
		}
	case event.Ended:
		if e.Err != nil {
			return "= ended: " + d.text(e.Err.Error(), 300)
		}
		return "= ended"
	}
	return ""
}

// text formats a peer's text. Secrets are replaced first, since they can't be found in text that was escaped and cut.
func (d *Writer) text(s string, limit int) string { return quote.Text(d.mask(s), limit) }

func (d *Writer) meaning(p *message.Packet) string {
	switch p.Type {
	case message.TypeSetChunkSize, message.TypeAbort, message.TypeAcknowledgement, message.TypeWindowAckSize, message.TypeSetPeerBandwidth:
		n, err := message.Uint32(p.Type, p.Body)
		if err != nil {
			return unreadable(err)
		}
		if p.Type == message.TypeSetPeerBandwidth && len(p.Body) > 4 {
			return fmt.Sprintf("%d, limit type %d", n, p.Body[4])
		}
		return fmt.Sprint(n)
	case message.TypeUserControl:
		u, err := message.ParseUserControl(p.Body)
		if err != nil {
			return unreadable(err)
		}
		text := fmt.Sprintf("%s %d", u.Event, u.Value)
		if u.Event == message.EventSetBufferLength {
			text += fmt.Sprintf(", %d ms", u.Buffer)
		}
		return text
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		cmd, err := message.ParseCommand(p.Type, p.Body)
		text := fmt.Sprintf("%s %g", d.text(cmd.Name, 80), cmd.TransactionID)
		return text + d.values(append([]any{cmd.Object}, cmd.Args...)) + damage(err)
	case message.TypeDataAMF0, message.TypeDataAMF3:
		data, err := message.ParseData(p.Type, p.Body)
		return d.text(data.Name, 80) + d.values(data.Args) + damage(err)
	case message.TypeAudio:
		return audio(p)
	case message.TypeVideo:
		return video(p)
	case message.TypeAggregate:
		n := 0
		for _, err := range message.Aggregate(p.Timestamp, p.Body) {
			if err != nil {
				return fmt.Sprintf("%d messages%s", n, damage(err))
			}
			n++
		}
		return fmt.Sprintf("%d messages", n)
	}
	return ""
}

func audio(p *message.Packet) string {
	h, err := flv.ParseAudioHeader(p.Body)
	switch {
	case err != nil:
		return unreadable(err)
	case h.Empty:
		return at(p) + "empty"
	}
	kind := "other"
	switch {
	case h.IsSequenceHeader():
		kind = "configuration"
	case h.IsFrame():
		kind = "frame"
	}
	return at(p) + strings.TrimSpace(h.CodecName()+" "+kind) + track(h.Multitrack, h.TrackID)
}

func video(p *message.Packet) string {
	h, err := flv.ParseVideoHeader(p.Body)
	switch {
	case err != nil:
		return unreadable(err)
	case h.Empty:
		return at(p) + "empty"
	}
	kind := "other"
	switch {
	case h.IsSequenceHeader():
		kind = "configuration"
	case h.IsKeyFrame():
		kind = "KEY FRAME"
	case h.IsFrame():
		kind = "frame"
	}
	text := at(p) + strings.TrimSpace(quote.Text(h.CodecName(), 30)+" "+kind)
	if h.CompositionTime != 0 {
		text += fmt.Sprintf(", shown %d ms later", h.CompositionTime)
	}
	return text + track(h.Multitrack, h.TrackID)
}

func at(p *message.Packet) string {
	return (time.Duration(p.Timestamp) * time.Millisecond).String() + " "
}

func track(multi bool, id uint8) string {
	if !multi {
		return ""
	}
	return fmt.Sprintf(", track %d", id)
}

func unreadable(err error) string { return "can't be read: " + quote.Text(err.Error(), 120) }

// damage is appended if the rest of a message cannot be parsed.
func damage(err error) string {
	if err == nil {
		return ""
	}
	return " (" + unreadable(err) + ")"
}
