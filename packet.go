package rtmp

import "github.com/go-librtmp/rtmp/message"

// Packet is one message together with the header fields of its chunks. It is defined in package message, so that packages that only pass
// packets on need not import this package.
type Packet = message.Packet
