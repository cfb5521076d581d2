package rtmp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

func TestPlayToFLV(t *testing.T) {
	for _, size := range []int{1, 3, 100, 4096, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptPlayer()
				p.Media(message.TypeVideo, 0, nil) // an empty body means silence, and makes no tag
				p.Data("onMetaData", amf.ECMAArray{{Name: "duration", Value: 12.5}})
				p.sendMedia()
				p.Data("onCuePoint", "dropped")
				p.Status("NetStream.Play.Stop")
				p.UntilGone()
			})
			_, s := playing(t, url, nil)
			var file bytes.Buffer
			buf := make([]byte, size)
			var err error
			for err == nil {
				var n int
				n, err = s.Read(buf)
				file.Write(buf[:n])
			}
			require.ErrorIs(t, err, io.EOF)
			tags := rtmptest.Tags(t, file.Bytes())
			require.Len(t, tags, len(sent)+1)
			assert.Equal(t, flv.TagScript, tags[0].Type)
			assert.Equal(t, sent, tags[1:])
			assert.EqualValues(t, 5, file.Bytes()[4], "header announces both kinds")
			assert.Equal(t, 12500*time.Millisecond, s.Duration())
			d, _ := s.Metadata().Get("duration")
			assert.Equal(t, 12.5, d)
			_, err = s.Read(buf)
			assert.ErrorIs(t, err, io.EOF, "and again")
		})
	}
}

func TestMetadataGoesFirst(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Media(message.TypeVideo, 0, []byte("sequence header"))
		p.Data("onMetaData", amf.Object{{Name: "width", Value: 16.0}})
		p.Media(message.TypeAudio, 0, []byte("audio"))
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	var file bytes.Buffer
	_, err := io.Copy(&file, s)
	require.NoError(t, err)
	tags := rtmptest.Tags(t, file.Bytes())
	require.Len(t, tags, 3)
	assert.Equal(t, []flv.TagType{flv.TagScript, flv.TagVideo, flv.TagAudio}, []flv.TagType{tags[0].Type, tags[1].Type, tags[2].Type})
}

// TestMetadataWithSetDataFrame checks that @setDataFrame, which some servers forward to players, is removed from metadata.
func TestMetadataWithSetDataFrame(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Data("@setDataFrame", "onMetaData", amf.ECMAArray{{Name: "duration", Value: 12.5}})
		p.sendMedia()
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	var file bytes.Buffer
	_, err := io.Copy(&file, s)
	require.NoError(t, err)
	assert.Equal(t, 12500*time.Millisecond, s.Duration())
	name, _, err := flv.ParseScript(rtmptest.Tags(t, file.Bytes())[0].Body)
	require.NoError(t, err)
	assert.Equal(t, "onMetaData", name)
}

func TestFileHeaderWaitsForMedia(t *testing.T) {
	for name, test := range map[string]struct {
		types []message.Type
		want  flv.FileHeader
	}{
		"video":           {[]message.Type{message.TypeVideo}, flv.FileHeader{HasVideo: true}},
		"audio and video": {[]message.Type{message.TypeAudio, message.TypeVideo}, flv.FileHeader{HasAudio: true, HasVideo: true}},
		"nothing":         {nil, flv.FileHeader{}},
	} {
		t.Run(name, func(t *testing.T) {
			goOn := make(chan struct{})
			release := sync.OnceFunc(func() { close(goOn) })
			url := newPeer(t, func(p *peer) {
				p.AcceptPlayer()
				p.Data("onMetaData", amf.ECMAArray{{Name: "width", Value: 1.0}})
				p.Call(0, "metadata", 0, nil)
				<-goOn
				for _, kind := range test.types {
					p.Media(kind, 0, []byte{0x17, 1, 2})
				}
				p.Status("NetStream.Play.Stop")
				p.UntilGone()
			})
			t.Cleanup(release)
			c, s := playing(t, url, nil)
			_, err := c.WaitInvoke(conntest.Context(t), "metadata")
			require.NoError(t, err)
			b := make([]byte, 4096)
			for range 2 {
				require.NoError(t, s.SetReadDeadline(time.Now().Add(time.Millisecond)))
				n, err := s.Read(b)
				require.Zero(t, n)
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			}
			require.NoError(t, s.SetReadDeadline(time.Time{}))
			release()
			var file bytes.Buffer
			_, err = s.WriteTo(&file)
			require.NoError(t, err)
			header, err := flv.NewReader(&file).Header()
			require.NoError(t, err)
			require.Equal(t, test.want, header)
		})
	}
}

// TestFileHeaderOfLiveStreams checks that the file header announces audio whose configuration comes after that of video, with a timestamp other
// than 0, as when nginx-rtmp begins to play in the middle of a live stream.
func TestFileHeaderOfLiveStreams(t *testing.T) {
	o := flvOut{dst: make([]byte, 4096)}
	o.take(&session.Message{Packet: Packet{Type: message.TypeVideo, Timestamp: 5000, Body: []byte{0x17, 0, 0, 0, 0, 1}}})
	o.take(&session.Message{Packet: Packet{Type: message.TypeAudio, Timestamp: 5000, Body: []byte{0xaf, 0, 0x12, 0x10}}})
	header, err := flv.NewReader(bytes.NewReader(o.dst[:o.n])).Header()
	require.NoError(t, err)
	require.Equal(t, flv.FileHeader{HasAudio: true, HasVideo: true}, header)
}

// TestFileHeaderAfterMuchMetadata checks that after more metadata than can be held back, the file header announces both audio and video,
// since players ignore what it does not announce.
func TestFileHeaderAfterMuchMetadata(t *testing.T) {
	o := flvOut{dst: make([]byte, 1<<20)}
	body := append(append([]byte{}, onMetaDataPrefix...), make([]byte, 128<<10)...)
	o.take(&session.Message{Packet: Packet{Type: message.TypeDataAMF0, Body: body}})
	header, err := flv.NewReader(bytes.NewReader(o.dst[:o.n])).Header()
	require.NoError(t, err)
	require.Equal(t, flv.FileHeader{HasAudio: true, HasVideo: true}, header)
}

// TestLongFirstMessageIsNotCopied checks that a long message at the beginning of a stream, like any later one, becomes a tag in the memory in
// which it was assembled.
func TestLongFirstMessageIsNotCopied(t *testing.T) {
	const size = 8 << 20
	long := bytes.Repeat([]byte{0x17}, size)
	wire, err := chunk.NewWriter().AppendMessage(nil, &chunk.Outgoing{Type: uint8(message.TypeVideo), ChunkStreamID: 6, StreamID: 1, Body: long})
	require.NoError(t, err)
	metadata := &session.Message{Packet: Packet{Type: message.TypeDataAMF0, Body: onMetaDataPrefix}}
	audio := &session.Message{Packet: Packet{Type: message.TypeAudio, Body: []byte{0xAF, 0}}}
	for name, earlier := range map[string][]*session.Message{"alone": nil, "after others": {audio, metadata}} {
		t.Run(name, func(t *testing.T) {
			r := chunk.NewReader(bytes.NewReader(wire), 0)
			var m chunk.Message
			require.NoError(t, r.Next(&m))
			o := flvOut{dst: make([]byte, 4096)}
			for _, m := range earlier {
				o.take(m)
			}
			video := &session.Message{Packet: Packet{Type: message.TypeVideo}, Chunks: &m}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			o.take(video)
			runtime.ReadMemStats(&after)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/2))
			file := append(bytes.Clone(o.dst[:o.n]), o.rest[o.off:]...)
			tags := rtmptest.Tags(t, file)
			require.Len(t, tags, len(earlier)+1)
			assert.Equal(t, long, tags[len(earlier)].Body)
			header, err := flv.NewReader(bytes.NewReader(file)).Header()
			require.NoError(t, err)
			assert.Equal(t, flv.FileHeader{HasAudio: earlier != nil, HasVideo: true}, header)
		})
	}
}

// TestTagsLargerThanTheSlice reads the same tags with slices of all sizes. Tags that do not fit into a slice are split.
func TestTagsLargerThanTheSlice(t *testing.T) {
	var messages []*session.Message
	var want []byte
	for i, size := range []int{1, 3, 50, 200, 7} {
		body := bytes.Repeat([]byte{byte(i + 1)}, size)
		messages = append(messages, &session.Message{Packet: message.Packet{Type: message.TypeAudio, Timestamp: uint32(i), Body: body}})
		want = append(want, make([]byte, flv.TagHeaderSize)...)
		flv.PutTagHeader(want[len(want)-flv.TagHeaderSize:], flv.TagAudio, size, uint32(i))
		want = append(want, body...)
		want = binary.BigEndian.AppendUint32(want, uint32(flv.TagHeaderSize+size))
	}
	for size := range 250 {
		o := flvOut{begun: true}
		var got []byte
		for next := 0; next < len(messages) || o.off < len(o.rest); {
			o.dst, o.n = make([]byte, size+1), 0
			o.drain()
			for next < len(messages) && !o.full() && o.fits(messages[next]) {
				o.take(messages[next])
				next++
			}
			got = append(got, o.dst[:o.n]...)
		}
		require.Equal(t, want, got, "slices of %d bytes", size+1)
	}
}
