// Package message defines the message types of RTMP and encodes and decodes their bodies: protocol control (RTMP 1.0 section 5.4),
// user control (6.2, 7.1.7), commands and data (7.1, 7.2), aggregates (7.1.6) and shared objects. Clients and servers use the same
// messages.
package message

import "fmt"

// Type is a message type id.
type Type uint8

const (
	TypeSetChunkSize     Type = 1
	TypeAbort            Type = 2
	TypeAcknowledgement  Type = 3 // librtmp: BYTES_READ_REPORT
	TypeUserControl      Type = 4 // librtmp: CONTROL
	TypeWindowAckSize    Type = 5 // librtmp: SERVER_BW
	TypeSetPeerBandwidth Type = 6 // librtmp: CLIENT_BW
	TypeAudio            Type = 8
	TypeVideo            Type = 9
	TypeDataAMF3         Type = 15 // librtmp: FLEX_STREAM_SEND
	TypeSharedObjectAMF3 Type = 16 // librtmp: FLEX_SHARED_OBJECT
	TypeCommandAMF3      Type = 17 // librtmp: FLEX_MESSAGE
	TypeDataAMF0         Type = 18 // librtmp: INFO
	TypeSharedObjectAMF0 Type = 19 // librtmp: SHARED_OBJECT
	TypeCommandAMF0      Type = 20 // librtmp: INVOKE
	TypeAggregate        Type = 22 // librtmp: FLASH_VIDEO
)

var typeNames = map[Type]string{
	TypeSetChunkSize: "Set Chunk Size", TypeAbort: "Abort", TypeAcknowledgement: "Acknowledgement",
	TypeUserControl: "User Control", TypeWindowAckSize: "Window Acknowledgement Size",
	TypeSetPeerBandwidth: "Set Peer Bandwidth", TypeAudio: "Audio", TypeVideo: "Video", TypeDataAMF3: "Data (AMF3)",
	TypeSharedObjectAMF3: "Shared Object (AMF3)", TypeCommandAMF3: "Command (AMF3)", TypeDataAMF0: "Data (AMF0)",
	TypeSharedObjectAMF0: "Shared Object (AMF0)", TypeCommandAMF0: "Command (AMF0)", TypeAggregate: "Aggregate",
}

// String returns the specification's name of the type, or "type N".
func (t Type) String() string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// Media reports whether messages of this type correspond to FLV tags: audio, video and data.
func (t Type) Media() bool {
	return t == TypeAudio || t == TypeVideo || t == TypeDataAMF0 || t == TypeDataAMF3
}

// Error reports a body that violates the rules of its message type.
type Error struct {
	Type   Type   // type of the message
	Detail string // what is wrong
	Value  any    // a size, a count, or the Go type of an unexpected value; never text of the peer
	Err    error  // the cause; for AMF an *amf.DecodeError
}

// Error returns the text "message: type: detail: value: cause".
func (e *Error) Error() string {
	text := fmt.Sprintf("message: %s: %s", e.Type, e.Detail)
	if e.Value != nil {
		text += fmt.Sprintf(": %v", e.Value)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
