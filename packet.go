package rtmp

import "github.com/go-librtmp/rtmp/message"

// Packet is one message with what its chunks say about it. It stands in package message, so that packages which only
// take or give packets need not import this one.
type Packet = message.Packet
