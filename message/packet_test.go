package message

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/chunk"
)

func TestPacketDump(t *testing.T) {
	p := Packet{Type: TypeVideo, Format: chunk.Format1, ChunkStreamID: 6, Timestamp: 40, StreamID: 1, Body: []byte{0x17, 'A'}}
	const body = "00000000  17 41                                             |.A|\n"
	assert.Equal(t, "Video (9), format 1, chunk stream 6, message stream 1, delta 40 ms, 2 bytes\n"+body, p.Dump())
	p.Absolute = true
	assert.Equal(t, "Video (9), format 1, chunk stream 6, message stream 1, time 40 ms, 2 bytes\n"+body, p.Dump())
}
