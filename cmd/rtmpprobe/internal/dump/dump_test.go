package dump_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/dump"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/message"
)

func plain(text string) string { return text }

func dumped(p *message.Packet) string {
	var b bytes.Buffer
	d := dump.New(&b, plain)
	d.Add(&event.Event{At: 1500 * time.Millisecond, Kind: event.Message, Packet: p})
	d.Add(&event.Event{Kind: event.Ended})
	return strings.TrimSuffix(b.String(), "     0.000  = ended\n")
}

func TestMeanings(t *testing.T) {
	command := func(name string, object any, args ...any) []byte {
		b, err := message.AppendCommand(nil, message.TypeCommandAMF0, &message.Command{Name: name, TransactionID: 3, Object: object, Args: args})
		require.NoError(t, err)
		return b
	}
	for _, test := range []struct {
		kind message.Type
		body []byte
		want string
	}{
		{message.TypeSetChunkSize, message.AppendUint32(nil, 4096), "Set Chunk Size               4096"},
		{message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, 5000, 2), "5000, limit type 2"},
		{message.TypeSetPeerBandwidth, nil, "can't be read"},
		{message.TypeUserControl, message.AppendUserControl(nil, message.EventStreamBegin, 1), "StreamBegin 1"},
		{message.TypeUserControl, message.AppendSetBufferLength(nil, 1, 3000), "SetBufferLength 1, 3000 ms"},
		{message.TypeUserControl, []byte{0, 77, 0, 0, 0, 9}, "event 77 9"},
		{message.TypeCommandAMF0, command("call", amf.Object{{Name: "a b", Value: []any{1.5, true, nil}}}, "x\x1b[2J", amf.Undefined), // quoted
			`call 3 {"a b": [1.5, true, null]} "x\x1b[2J"`},
		{message.TypeCommandAMF0, command("call", nil)[:9], "can't be read"},
		{message.TypeVideo, []byte{0x17, 1, 0, 0, 40, 1}, "1m0s H.264 KEY FRAME, shown 40 ms later"},
		{message.TypeVideo, []byte{0x27, 1, 0, 0, 0, 1}, "H.264 frame "},
		{message.TypeVideo, nil, "empty"},
		{message.TypeAudio, []byte{0xaf, 0, 0x12, 0x10}, "AAC configuration"},
		{message.TypeAudio, []byte{0x2f, 0}, "MP3 frame"},
		{200, []byte{1}, "type 200"},
	} {
		got := dumped(&message.Packet{Type: test.kind, Timestamp: 60_000, ChunkStreamID: 4, StreamID: 1, Body: test.body})
		assert.Contains(t, got, test.want)
		assert.True(t, strings.HasPrefix(got, "     1.500  < "), got)
		assert.Contains(t, got, "[chunk stream 4, message stream 1, ")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestAWriterThatFails(t *testing.T) {
	d := dump.New(brokenWriter{}, plain)
	d.Add(&event.Event{Kind: event.Ended})
	d.Add(&event.Event{Kind: event.Ended})
	require.EqualError(t, d.Err(), "full")
}

// FuzzMeaning checks that every message becomes lines of bounded length without control characters.
func FuzzMeaning(f *testing.F) {
	f.Add(uint8(20), []byte("\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00\x03\x00\x03app\x02\x00\x04live\x00\x00\x09"))
	f.Add(uint8(18), []byte("\x02\x00\x0aonMetaData\x08\x00\x00\x00\x00\x00\x01a\x0a\x00\x00\x00\x01\x05\x00\x00\x09"))
	f.Add(uint8(22), []byte{9, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x17, 0, 0, 0, 12})
	f.Add(uint8(9), []byte{0x96, 0x01, 'h', 'v', 'c', '1'})
	f.Add(uint8(4), []byte{0, 3, 0, 0, 0, 1, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		for line := range strings.Lines(dumped(&message.Packet{Type: message.Type(kind), Body: body})) {
			require.Less(t, len(line), 4000)
			require.False(t, strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\x00\x07\x1b\r\n\u009b"), "%q", line)
		}
	})
}
