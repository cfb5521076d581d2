package media

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
)

// TestTracksReadsNoMoreThanItNeeds checks the number of packets that Tracks reads before the tracks are known.
func TestTracksReadsNoMoreThanItNeeds(t *testing.T) {
	config, aac := videoPacket(0, "1700000000"+avcRecord), audioPacket(0, "af001210")
	frame := func(at time.Duration) message.Packet { return videoPacket(at, "2701000000 00000002 4188") }
	sound := func(at time.Duration) message.Packet { return audioPacket(at, "af01 21") }
	both := metadataPacket(t, amf.Property{Name: "videocodecid", Value: 7.0}, amf.Property{Name: "audiocodecid", Value: 10.0})
	track1 := amf.Object{{Name: "1", Value: amf.Object{}}}
	four := metadataPacket(t, amf.Property{Name: "videocodecid", Value: 7.0}, amf.Property{Name: "audiocodecid", Value: 10.0},
		amf.Property{Name: "videoTrackIdInfoMap", Value: track1}, amf.Property{Name: "audioTrackIdInfoMap", Value: track1})
	alone := metadataPacket(t, amf.Property{Name: "videocodecid", Value: "avc1"}, amf.Property{Name: "audiocodecid", Value: 0.0})
	for _, c := range []struct {
		name    string
		packets []message.Packet
		read    int
		tracks  int
	}{
		{"one of each, with metadata", []message.Packet{both, config, aac, sound(0), frame(0), sound(0)}, 4, 2},
		{"one of each, without metadata", []message.Packet{config, aac, frame(0), sound(0)}, 3, 2},
		{"one track, with metadata", []message.Packet{alone, config, frame(0), frame(40 * ms)}, 3, 1},
		{"one track, without metadata", []message.Packet{config, frame(0), frame(time.Second), frame(2 * time.Second), frame(3 * time.Second)}, 4, 1},
		{"one track, late beginning", []message.Packet{config, frame(time.Hour), frame(time.Hour + time.Second), frame(time.Hour + 2*time.Second)}, 4, 1},
		{"two of each announced, one of each there", []message.Packet{four, config, aac, frame(0), frame(time.Second), frame(2 * time.Second), frame(3 * time.Second)}, 6, 2},
		{"announced by the metadata, but missing", []message.Packet{both, config, frame(0), frame(2 * time.Second), frame(3 * time.Second)}, 4, 1},
		{"frames before their configuration", []message.Packet{both, aac, sound(0), frame(0), frame(5 * time.Second), config, frame(6 * time.Second),
			frame(7 * time.Second)}, 6, 2},
		{"frames without configuration", []message.Packet{aac, sound(0), frame(0), frame(9 * time.Second), frame(10 * time.Second), frame(11 * time.Second)}, 5, 1},
		{"end of the stream", []message.Packet{config, frame(0)}, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := recorder{packets: c.packets}
			reader := NewReader(&r)
			tracks, err := reader.Tracks(context.Background())
			require.NoError(t, err)
			assert.Len(t, tracks, c.tracks)
			assert.Equal(t, c.read, r.next)
		})
	}
}

func TestTracksOfNothing(t *testing.T) {
	reader := NewReader(&recorder{})
	_, err := reader.Tracks(context.Background())
	requireError(t, "tracks: none of them can be decoded: EOF", err)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, io.EOF, reader.Read(new(Unit)))

	r := recorder{packets: []message.Packet{videoPacket(0, "1700000000 0142")}}
	_, err = NewReader(&r).Tracks(context.Background())
	requireError(t, "video track 0 (H.264): configuration: flv: offset 0: ends inside AVC configuration, bytes missing: 4: unexpected EOF", err)
}

// TestTracksStops checks that Tracks returns although the stream's frames can never be decoded.
func TestTracksStops(t *testing.T) {
	const size = 1 << 20
	for name, c := range map[string]struct{ body, read int }{
		"8 MiB in bodies":             {size, 8},
		"just 8 MiB of memory":        {size - packetMemory, 9},
		"8 MiB of memory, and a byte": {size - packetMemory + 1, 8},
	} {
		t.Run(name, func(t *testing.T) {
			body := make([]byte, c.body)
			copy(body, unhex("2701000000 000fffff"))
			r := endless{packet: message.Packet{Type: message.TypeVideo, Body: slices.Clip(body)}}
			_, err := NewReader(&r).Tracks(context.Background())
			require.ErrorAs(t, err, new(*Error))
			assert.Equal(t, c.read, r.read)
		})
	}
}

type endless struct {
	packet message.Packet
	read   int
}

func (e *endless) ReadPacket(p *message.Packet) error {
	*p = e.packet
	p.Timestamp = uint32(e.read) * 1000
	e.read++
	return nil
}

// bound is a PacketReader that blocks like a Stream, and whose Bind ends the wait.
type bound struct {
	recorder
	ctx     context.Context
	waiting func() // called before ReadPacket waits
}

func (b *bound) Bind(ctx context.Context) (release func()) {
	b.ctx = ctx
	return func() { b.ctx = nil }
}

func (b *bound) ReadPacket(p *message.Packet) error {
	if b.next < len(b.packets) {
		return b.recorder.ReadPacket(p)
	}
	b.waiting()
	<-b.ctx.Done()
	return b.ctx.Err()
}

func TestTracksEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	b := &bound{recorder: recorder{packets: []message.Packet{videoPacket(0, "1700000000"+avcRecord)}}, waiting: cancel}
	reader := NewReader(b)
	_, err := reader.Tracks(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, b.ctx, "released")

	b.packets = append(b.packets, audioPacket(0, "af001210"), videoPacket(0, "1701000000 00000002 6588"))
	_, err = reader.Tracks(ctx)
	require.ErrorIs(t, err, context.Canceled)
	tracks, err := reader.Tracks(context.Background())
	require.NoError(t, err, "nothing was lost")
	assert.Len(t, tracks, 2)
	var u Unit
	require.NoError(t, reader.Read(&u))
	assert.Equal(t, parts("6588"), u.Parts)
}
