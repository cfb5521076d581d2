package relay

import (
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// patience is how long pictures are skipped at the beginning of a connection without a key frame. Some encoders send a key frame only when
// they start, and then refresh pictures piece by piece.
const patience = 30 * time.Second

type frames struct {
	line    line
	headers flv.Headers // headers that have been delivered
	first   time.Time   // arrival of the first audio or video of this connection; zero if none has arrived
	keyed   [256]bool   // tracks with a key frame on this connection
	video   bool        // the stream has video
	joints  joints      // the latest frames that were delivered and at which a connection can begin
}

type outcome struct {
	action int           // delivered, repeated or skipped
	first  bool          // the first audio or video of the connection
	jump   bool          // the timestamps jump here
	gap    time.Duration // length of the gap at the jump
}

const (
	delivered = iota
	repeated
	skipped
)

// restart begins a connection, of which packets have been read.
func (f *frames) restart(packets []rtmp.Packet, now time.Time) {
	f.first, f.keyed = time.Time{}, [256]bool{}
	timestamp, at, known := f.known(packets, now)
	if f.line.restart(); known {
		f.line.join(timestamp, at, now)
	}
}

// known looks for the first joint of packets from another connection among those that were delivered. If that is known, packets repeat what
// followed its position.
func (f *frames) known(packets []rtmp.Packet, now time.Time) (timestamp uint32, at int64, known bool) {
	for _, pkt := range packets {
		if kind, _ := flv.KindOf(tagOf(&pkt)); f.isJoint(kind) {
			at, known = f.find(pkt.Timestamp, hashOf(&pkt), now)
			return pkt.Timestamp, at, known
		}
	}
	return 0, 0, false
}

// find returns the position of a joint of another connection, if it was delivered.
func (f *frames) find(timestamp uint32, hash uint64, now time.Time) (at int64, ok bool) {
	in := f.line.in
	raw, expected := in.Unwrap(timestamp), f.line.expected(now)
	if f.line.continues(raw, expected) {
		return 0, false
	}
	return f.joints.find(hash, raw+f.line.shift, expected-maxStored)
}

// uptime returns how long ago the first audio or video of the connection arrived. silent reports whether none has arrived.
func (f *frames) uptime() (d time.Duration, silent bool) {
	if f.first.IsZero() {
		return 0, true
	}
	return time.Since(f.first), false
}

// accept decides whether the packet is delivered, and if so sets its timestamp.
func (f *frames) accept(pkt *rtmp.Packet, now time.Time) (o outcome) {
	if f.first.IsZero() && (pkt.Type == message.TypeAudio || pkt.Type == message.TypeVideo) {
		f.first, o.first = now, true
	}
	tag := tagOf(pkt)
	kind, track := flv.KindOf(tag)
	switch kind {
	case flv.KindHeader:
		if f.headers.Has(tag) {
			o.action = repeated
			return o
		}
		f.headers.Keep(tag)
		pkt.Timestamp = uint32(f.line.end.at) // servers send stored headers with arbitrary timestamps
		return o
	case flv.KindData:
		if ofConnection(pkt) {
			o.action = skipped
		}
		pkt.Timestamp = uint32(f.line.end.at)
		return o
	}
	f.video = f.video || kind != flv.KindAudio
	id, hash := trackID{kind != flv.KindAudio, track}, uint64(0)
	if f.isJoint(kind) {
		hash = hashOf(pkt)
		if f.line.fresh { // servers may begin with stored media
			if at, ok := f.find(pkt.Timestamp, hash, now); ok {
				f.line.join(pkt.Timestamp, at, now)
			}
		}
	}
	again := f.line.repeats(id, pkt.Timestamp)
	if again && now.Sub(f.line.joined) >= burst { // this is not stored media: a publisher sends the same file once more
		again, f.joints, f.keyed = false, joints{}, [256]bool{}
		f.line.restart()
	}
	switch {
	case kind == flv.KindKeyFrame:
		f.keyed[track] = true
	case kind == flv.KindFrame && !f.keyed[track] && now.Sub(f.first) < patience:
		o.action = skipped
		return o
	}
	if again {
		o.action = repeated
		return o
	}
	var at int64
	at, o.gap, o.jump = f.line.frame(id, pkt.Timestamp, now)
	pkt.Timestamp = uint32(at)
	if f.isJoint(kind) {
		f.joints.add(hash, at)
	}
	return o
}

// isJoint reports whether a connection can begin with a frame of this kind: a key frame or, if there is no video, audio.
func (f *frames) isJoint(kind flv.Kind) bool {
	return kind == flv.KindKeyFrame || kind == flv.KindAudio && !f.video
}

func tagOf(pkt *rtmp.Packet) flv.Tag {
	return flv.Tag{Type: flv.TagType(pkt.Type), Timestamp: pkt.Timestamp, Body: pkt.Body}
}

func packetOf(tag flv.Tag) *rtmp.Packet {
	return &rtmp.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}
}

// ofConnection reports whether a data message concerns the connection rather than the stream. Adobe's servers and their imitators send such
// messages first.
func ofConnection(pkt *rtmp.Packet) bool {
	name, _, err := flv.ParseScript(pkt.Body)
	return err == nil && (name == "|RtmpSampleAccess" || name == "onStatus")
}
