package relay

import (
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// patience is how long pictures are left out at the beginning of a connection, until one comes that can be decoded by itself. Some
// encoders make only the first like that, and refresh pictures piece by piece.
const patience = 30 * time.Second

// frames makes one stream out of those of many connections.
type frames struct {
	line    line
	headers flv.Headers // that were given out
	first   time.Time   // when the first sound or picture of this connection came; zero: not yet
	keyed   [256]bool   // tracks of which this connection has brought a key frame
}

// outcome is what becomes of a packet.
type outcome struct {
	what  int           // delivered, repeated or skipped
	first bool          // the first sound or picture of the connection
	jump  bool          // the line of time goes on at another place
	gap   time.Duration // and so much is missing
}

const (
	delivered = iota
	repeated
	skipped
)

// restart says that what comes is of a new connection.
func (f *frames) restart() {
	f.first, f.keyed = time.Time{}, [256]bool{}
	f.line.restart()
}

// played returns how long the connection has brought sound or pictures; silent reports that it has brought none.
func (f *frames) played() (served time.Duration, silent bool) {
	if f.first.IsZero() {
		return 0, true
	}
	return time.Since(f.first), false
}

// take gives the packet its place on the line of time.
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
		pkt.Timestamp = uint32(f.line.end.at) // servers give those that they have kept any time
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

// tagOf returns the packet as a tag, whose body is the packet's.
func tagOf(pkt *rtmp.Packet) flv.Tag {
	return flv.Tag{Type: flv.TagType(pkt.Type), Timestamp: pkt.Timestamp, Body: pkt.Body}
}

// packetOf is the reverse.
func packetOf(tag flv.Tag) *rtmp.Packet {
	return &rtmp.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}
}

// ofConnection reports whether a data message is about the connection, not part of the stream: Adobe's servers and those like them
// begin with such.
func ofConnection(pkt *rtmp.Packet) bool {
	name, _, err := flv.ParseScript(pkt.Body)
	return err == nil && (name == "|RtmpSampleAccess" || name == "onStatus")
}
