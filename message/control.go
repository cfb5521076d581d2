package message

import (
	"encoding/binary"
	"fmt"
)

// Limit types of Set Peer Bandwidth (section 5.4.5): how the peer should limit what it sends without an acknowledgement.
const (
	LimitHard    uint8 = 0 // to the window
	LimitSoft    uint8 = 1 // to the window, or the limit in effect if that is smaller
	LimitDynamic uint8 = 2 // like LimitHard if the previous type was LimitHard; otherwise the message is ignored
)

// Uint32 reads the number in the body of a Set Chunk Size, Abort, Acknowledgement or Window Acknowledgement Size message, and
// the window of Set Peer Bandwidth. Longer bodies are tolerated. For shorter ones the error is an *Error.
func Uint32(t Type, body []byte) (uint32, error) {
	if len(body) < 4 {
		return 0, &Error{Type: t, Detail: "body too short, bytes", Value: len(body)}
	}
	return binary.BigEndian.Uint32(body), nil
}

// AppendUint32 appends the body of a control message that carries one number.
func AppendUint32(dst []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(dst, v) }

// AppendSetPeerBandwidth appends the body of a Set Peer Bandwidth message: the window in bytes and the limit type.
func AppendSetPeerBandwidth(dst []byte, window uint32, limit uint8) []byte {
	return append(binary.BigEndian.AppendUint32(dst, window), limit)
}

// Event is a user control event type (section 7.1.7). The events from 26 on are not in the specification, but every Adobe server uses them.
type Event uint16

const (
	EventStreamBegin       Event = 0
	EventStreamEOF         Event = 1
	EventStreamDry         Event = 2
	EventSetBufferLength   Event = 3
	EventStreamIsRecorded  Event = 4
	EventPingRequest       Event = 6
	EventPingResponse      Event = 7
	EventSWFVerifyRequest  Event = 26
	EventSWFVerifyResponse Event = 27
	EventBufferEmpty       Event = 31
	EventBufferReady       Event = 32
)

var eventNames = map[Event]string{
	EventStreamBegin: "StreamBegin", EventStreamEOF: "StreamEOF", EventStreamDry: "StreamDry", EventSetBufferLength: "SetBufferLength",
	EventStreamIsRecorded: "StreamIsRecorded", EventPingRequest: "PingRequest", EventPingResponse: "PingResponse",
	EventSWFVerifyRequest: "SWFVerifyRequest", EventSWFVerifyResponse: "SWFVerifyResponse", EventBufferEmpty: "BufferEmpty",
	EventBufferReady: "BufferReady",
}

// String returns the name of the event, or "event N".
func (e Event) String() string {
	if name, ok := eventNames[e]; ok {
		return name
	}
	return fmt.Sprintf("event %d", uint16(e))
}

// Known reports whether e is one of the events above.
func (e Event) Known() bool { return eventNames[e] != "" }

// UserControl is the body of a user control message.
//
//	+--------+--------+--------+--------+--------+--------+--------+--------+--------+--------+
//	|     event       |   message stream id or ping time  |  buffer in ms (event 3 only)      |
//	+--------+--------+--------+--------+--------+--------+--------+--------+--------+--------+
type UserControl struct {
	Event  Event
	Value  uint32 // the message stream id, or for the pings the sender's time in ms
	Buffer uint32 // SetBufferLength only, in milliseconds
	Data   []byte // everything after the event, as part of the body given to ParseUserControl
}

// ParseUserControl reads a user control body. Fields that are missing after the event are 0. Without an event the error is an *Error.
func ParseUserControl(body []byte) (UserControl, error) {
	if len(body) < 2 {
		return UserControl{}, &Error{Type: TypeUserControl, Detail: "body too short, bytes", Value: len(body)}
	}
	u := UserControl{Event: Event(binary.BigEndian.Uint16(body)), Data: body[2:]}
	if len(u.Data) >= 4 {
		u.Value = binary.BigEndian.Uint32(u.Data)
	}
	if len(u.Data) >= 8 {
		u.Buffer = binary.BigEndian.Uint32(u.Data[4:])
	}
	return u, nil
}

// AppendUserControl appends the body of an event that carries one number: a message stream id or a ping time.
func AppendUserControl(dst []byte, e Event, value uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(dst, uint16(e)), value)
}

// AppendSetBufferLength appends the body that tells the server how many milliseconds the client buffers.
func AppendSetBufferLength(dst []byte, streamID, ms uint32) []byte {
	return binary.BigEndian.AppendUint32(AppendUserControl(dst, EventSetBufferLength, streamID), ms)
}
