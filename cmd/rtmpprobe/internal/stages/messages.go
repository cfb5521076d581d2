package stages

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/message"
)

func (b *Builder) message(e *event.Event) {
	w := &b.report.Wire
	if e.Sent {
		w.MessagesSent++
	} else {
		w.MessagesReceived++
	}
	p := e.Packet
	switch p.Type {
	case message.TypeSetChunkSize, message.TypeAcknowledgement, message.TypeWindowAckSize, message.TypeSetPeerBandwidth:
		b.control(e)
	case message.TypeUserControl:
		u, err := message.ParseUserControl(p.Body)
		switch {
		case err != nil:
			w.Unreadable++
		case !e.Sent && u.Event == message.EventPingRequest:
			w.PingsGot++
		case !u.Event.Known():
			b.unknown(fmt.Sprintf("user control event %d", uint16(u.Event)))
		}
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		cmd, err := message.ParseCommand(p.Type, p.Body)
		if err != nil {
			w.Unreadable++
		}
		if e.Sent {
			b.commandSent(&cmd)
		} else {
			b.commandReceived(&cmd)
		}
	case message.TypeAudio, message.TypeVideo, message.TypeAggregate:
		b.firsts(e)
	case message.TypeAbort, message.TypeDataAMF0, message.TypeDataAMF3, message.TypeSharedObjectAMF0, message.TypeSharedObjectAMF3:
	default:
		b.unknown(p.Type.String())
	}
}

func (b *Builder) unknown(kind string) {
	w := &b.report.Wire
	if w.UnknownMessages == nil {
		w.UnknownMessages = make(map[string]int)
	}
	if w.UnknownMessages[kind] > 0 || len(w.UnknownMessages) < maxKinds {
		w.UnknownMessages[kind]++
	}
}

func (b *Builder) control(e *event.Event) {
	w := &b.report.Wire
	n, err := message.Uint32(e.Packet.Type, e.Packet.Body)
	if err != nil {
		w.Unreadable++
		return
	}
	switch t := e.Packet.Type; {
	case t == message.TypeSetChunkSize && e.Sent:
		w.OurChunks = n
	case t == message.TypeSetChunkSize:
		w.TheirChunks = n
	case t == message.TypeAcknowledgement && e.Sent:
		w.AcksSent++
	case t == message.TypeAcknowledgement:
		w.AcksGot++
	case t == message.TypeWindowAckSize && e.Sent:
		w.OurWindow = n
	case t == message.TypeWindowAckSize:
		w.TheirWindow = n
	case !e.Sent:
		w.Bandwidth = n
	}
}

func (b *Builder) commandSent(cmd *message.Command) {
	switch cmd.Name {
	case "connect", "createStream":
		if len(b.waits) < maxStages {
			b.waits[cmd.TransactionID] = cmd.Name
		}
		b.begin(cmd.Name)
		b.trips.asked()
	case "play", "publish":
		b.report.Publish = cmd.Name == "publish"
		b.begin(cmd.Name)
		b.trips.asked()
	case "deleteStream", "FCUnpublish":
		b.closed = true
	}
}

func (b *Builder) commandReceived(cmd *message.Command) {
	switch cmd.Name {
	case "_result", "_error":
		name, ours := b.waits[cmd.TransactionID]
		if !ours {
			return
		}
		delete(b.waits, cmd.TransactionID)
		var refused error
		text := ""
		switch {
		case cmd.Name == "_error":
			refused = message.ParseStatus(cmd.Args)
		case name == "connect":
			text = b.recordServer(cmd)
		case len(cmd.Args) > 0:
			if id, ok := cmd.Args[0].(float64); ok {
				text = "message stream " + strconv.FormatFloat(id, 'f', -1, 64)
			}
		}
		b.end(name, text, refused, b.trips.answered())
	case "onStatus":
		b.status(message.ParseStatus(cmd.Args))
	}
}

// status records a status, and ends the stage that it answers.
func (b *Builder) status(s *message.StatusError) {
	kept := report.Status{At: report.Duration(b.now), Code: quote.Peer(b.mask(s.Code)), Level: quote.Peer(b.mask(s.Level))}
	if s.Description != "" {
		kept.Description = quote.Peer(b.mask(s.Description))
	}
	if len(b.report.Statuses) < maxStatuses && !b.closed {
		b.report.Statuses = append(b.report.Statuses, kept)
	}
	for _, name := range []string{report.Play, report.Publish} {
		if _, underWay := b.begun[name]; !underWay || !strings.HasPrefix(strings.ToLower(s.Code), "netstream."+name) {
			continue
		}
		if s.Code == message.CodePlayReset { // Play.Start follows
			continue
		}
		var refused error
		text := kept.Text()
		if s.Refused() {
			refused, text = s, ""
		}
		b.accepted(name, text, refused)
	}
	if _, underWay := b.begun[report.Connect]; underWay && s.Level == "error" {
		b.end(report.Connect, "", s, 0)
	}
}

// accepted ends the stage in which the server agrees to play or publish.
func (b *Builder) accepted(stage, text string, refused error) {
	b.end(stage, text, refused, b.trips.answered())
	if refused == nil && !b.opened {
		b.opened = true
		b.count()
	}
}

func number(n float64) string { return fmt.Sprintf("%g", n) }
