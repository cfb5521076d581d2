package rtmp

import "github.com/go-librtmp/rtmp/message"

// Packet is one message together with the header fields of its chunks. It is defined in package message, so that packages that only pass
// packets need not import this one.
type Packet = message.Packet
