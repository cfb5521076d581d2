package relay

import (
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// patience is how long pictures are skipped at the beginning of a connection while no key frame arrives. Some encoders send a key frame
// only at the very beginning of the stream, and then refresh pictures piece by piece.
const patience = 30 * time.Second

// frames joins the media of consecutive connections to one stream.
type frames struct {
	line    line
	headers flv.Headers // headers that have been delivered
	first   time.Time   // arrival of the first audio or video of this connection; zero if none has arrived
	keyed   [256]bool   // tracks with a key frame on this connection
}

// outcome is the result of frames.take for a packet.
type outcome struct {
	what  int           // delivered, repeated or skipped
	first bool          // the first audio or video of the connection
	jump  bool          // the timestamps jump here
	gap   time.Duration // length of the gap at the jump
}

const (
	delivered = iota
	repeated
	skipped
)

// restart marks the beginning of a new connection.
func (f *frames) restart() {
	f.first, f.keyed = time.Time{}, [256]bool{}
	f.line.restart()
}

// played returns how long ago the first audio or video of the connection arrived. silent reports that none has arrived.
func (f *frames) played() (served time.Duration, silent bool) {
	if f.first.IsZero() {
		return 0, true
	}
	return time.Since(f.first), false
}

// take decides whether the packet is delivered, and if so sets its timestamp.
func (f *frames) take(pkt *rtmp.Packet, now time.Time) (o outcome) {
	if f.first.IsZero() && (pkt.Type == message.TypeAudio || pkt.Type == message.TypeVideo) {
		f.first, o.first = now, true
	}
	tag := tagOf(pkt)
	kind, track := flv.KindOf(tag)
	switch kind {
	case flv.KindHeader:
		if f.headers.Has(tag) {
			o.what = repeated
			return o
		}
		f.headers.Keep(tag)
		pkt.Timestamp = uint32(f.line.end.at) // servers send stored headers with arbitrary timestamps
		return o
	case flv.KindData:
		if ofConnection(pkt) {
			o.what = skipped
		}
		pkt.Timestamp = uint32(f.line.end.at)
		return o
	case flv.KindKeyFrame:
		f.keyed[track] = true
	case flv.KindFrame:
		if !f.keyed[track] && now.Sub(f.first) < patience {
			o.what = skipped
			return o
		}
	}
	var at int64
	at, o.gap, o.jump = f.line.frame(kind != flv.KindAudio, pkt.Timestamp, now)
	pkt.Timestamp = uint32(at)
	return o
}

// tagOf returns the packet as a tag with the same body.
func tagOf(pkt *rtmp.Packet) flv.Tag {
	return flv.Tag{Type: flv.TagType(pkt.Type), Timestamp: pkt.Timestamp, Body: pkt.Body}
}

// packetOf is the inverse of tagOf.
func packetOf(tag flv.Tag) *rtmp.Packet {
	return &rtmp.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}
}

// ofConnection reports whether a data message concerns the connection rather than the stream. Adobe's servers, and those modelled after
// them, send such messages first.
func ofConnection(pkt *rtmp.Packet) bool {
	name, _, err := flv.ParseScript(pkt.Body)
	return err == nil && (name == "|RtmpSampleAccess" || name == "onStatus")
}
