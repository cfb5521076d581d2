package live

import "github.com/go-librtmp/rtmp/flv"

// Message is a message of a stream, encoded once for everybody. Nothing of it must be changed; it may be kept.
type Message struct {
	tag flv.Tag
}

// Tag is the message as FLV has it, with the stream's time. The body of one that is longer than the chunk size is put together at the
// first call.
func (m *Message) Tag() flv.Tag { panic("TODO") }

// AppendFLV appends the slices that make up the message in an FLV file, the back pointer included, to dst. They are shared. A body
// that is longer than the chunk size is in several pieces.
func (m *Message) AppendFLV(dst [][]byte) [][]byte { panic("TODO") }

// AppendRTMP appends the slices that make up the message as chunks of a message stream: one slice for stream 1, which is shared, and
// for others two, of which the first is made by this call.
func (m *Message) AppendRTMP(dst [][]byte, streamID uint32) [][]byte { panic("TODO") }

// Size is the length of the body in bytes.
func (m *Message) Size() int { panic("TODO") }

// Key reports whether a player may begin with this message: a key frame.
func (m *Message) Key() bool { panic("TODO") }

// Header reports whether the message describes those that follow: metadata or a decoder configuration.
func (m *Message) Header() bool { panic("TODO") }

// Sequence numbers the messages of a stream from 1 on, without gaps. It is 0 for headers that a player is given again, because it
// joins or has missed some.
func (m *Message) Sequence() uint64 { panic("TODO") }
