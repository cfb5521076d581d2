package rtmp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func TestMetadataIsSetDataFrame(t *testing.T) {
	got := make(chan []byte, 4)
	url := accepting(t, func(p *peer) {
		for range 3 {
			got <- p.ExpectType(message.TypeDataAMF0)
		}
		p.UntilGone()
	})
	_, s := publishing(t, url, nil)
	data := func(values ...any) []byte {
		b, err := amf.AppendAMF0(nil, values...)
		require.NoError(t, err)
		return b
	}
	meta := amf.ECMAArray{{Name: "width", Value: 320.0}}
	for _, body := range [][]byte{data("onMetaData", meta), data("@setDataFrame", "onMetaData", meta), data("onTextData", "x")} {
		_, err := s.Write(flv.AppendTag(nil, flv.Tag{Type: flv.TagScript, Body: body}))
		require.NoError(t, err)
	}
	assert.Equal(t, data("@setDataFrame", "onMetaData", meta), <-got)
	assert.Equal(t, data("@setDataFrame", "onMetaData", meta), <-got)
	assert.Equal(t, data("onTextData", "x"), <-got)
}

// deaf starts a server that accepts publish and then reads nothing until the test is over. It returns the URL.
func deaf(t *testing.T) string {
	over := make(chan struct{})
	url := accepting(t, func(*peer) { <-over })
	t.Cleanup(func() { close(over) }) // runs before the cleanup of accepting
	return url
}

var large = flv.AppendTag(nil, flv.Tag{Type: flv.TagVideo, Body: make([]byte, 1<<20)})

// blocked writes until the network accepts no more, and returns the error.
func blocked(s *Stream) error {
	for range 100 {
		if _, err := s.Write(large); err != nil {
			return err
		}
	}
	return errors.New("100 MB went to a server that does not read")
}

func TestWriteBlocks(t *testing.T) {
	inBubble(t, "until the deadline", func(t *testing.T) {
		c, s := pipedDeaf(t, Options{})
		require.NoError(t, s.SetWriteDeadline(time.Now().Add(5*time.Second)))
		assert.Equal(t, 5*time.Second, elapsed(func() { require.ErrorIs(t, blocked(s), os.ErrDeadlineExceeded) }))
		require.ErrorIs(t, c.Err(), os.ErrDeadlineExceeded, "half a chunk is out")
	})
	inBubble(t, "until a deadline set meanwhile", func(t *testing.T) {
		c, s := pipedDeaf(t, Options{Timeout: -1})
		failed := make(chan error, 1)
		go func() { failed <- blocked(s) }()
		require.NoError(t, s.SetWriteDeadline(time.Now().Add(time.Hour)))
		synctest.Wait()
		require.NoError(t, s.SetWriteDeadline(time.Now()))
		require.ErrorIs(t, <-failed, os.ErrDeadlineExceeded)
		require.ErrorIs(t, c.Err(), os.ErrDeadlineExceeded, "half a chunk is out")
		require.ErrorIs(t, s.Close(), os.ErrDeadlineExceeded)
	})
	inBubble(t, "until the timeout", func(t *testing.T) {
		c, s := pipedDeaf(t, Options{Timeout: 7 * time.Second})
		assert.Equal(t, 7*time.Second, elapsed(func() { require.ErrorIs(t, blocked(s), os.ErrDeadlineExceeded) }))
		require.ErrorIs(t, c.Err(), os.ErrDeadlineExceeded)
	})
	inBubble(t, "until Close", func(t *testing.T) {
		_, s := pipedDeaf(t, Options{})
		failed := make(chan error, 1)
		go func() { failed <- blocked(s) }()
		synctest.Wait()
		assert.Equal(t, stallGrace, elapsed(func() { require.ErrorIs(t, s.Close(), os.ErrDeadlineExceeded) }), "nothing moves")
		require.ErrorIs(t, <-failed, os.ErrDeadlineExceeded)
	})
	inBubble(t, "until Conn.Close", func(t *testing.T) {
		c, s := pipedDeaf(t, Options{})
		failed := make(chan error, 1)
		go func() { failed <- blocked(s) }()
		synctest.Wait()
		require.ErrorIs(t, c.Close(), os.ErrDeadlineExceeded, "something was lost")
		require.ErrorIs(t, <-failed, os.ErrDeadlineExceeded)
	})
	inBubble(t, "packets too", func(t *testing.T) {
		_, s := pipedDeaf(t, Options{})
		require.NoError(t, s.SetWriteDeadline(time.Now().Add(time.Second)))
		err := error(nil)
		for i := 0; err == nil && i < 100; i++ {
			err = s.WritePacket(&Packet{Type: message.TypeVideo, Body: large})
		}
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, closeGrace, elapsed(func() { require.ErrorIs(t, s.Close(), os.ErrDeadlineExceeded) }), "the deadline has passed")
	})
	for name, end := range map[string]func(s *Stream, cancel func()){
		"until a deadline during Close": func(s *Stream, _ func()) { require.NoError(t, s.SetWriteDeadline(time.Now())) },
		"until Cancel during Close":     func(_ *Stream, cancel func()) { cancel() },
	} {
		inBubble(t, name, func(t *testing.T) {
			_, s := pipedDeaf(t, Options{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			defer s.Bind(ctx)()
			require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Body: large}))
			time.AfterFunc(2*time.Second, func() { end(s, cancel) })
			assert.LessOrEqual(t, elapsed(func() { require.ErrorIs(t, s.Close(), os.ErrDeadlineExceeded) }), 2*time.Second+closeGrace)
		})
	}
	inBubble(t, "no longer than for a player before the server has accepted the stream", func(t *testing.T) {
		over := make(chan struct{})
		ctx, c := piped(t, Options{}, func(p *peer) {
			p.AcceptConnect()
			p.AcceptStream(1)
			p.Expect("publish")
			<-over
		})
		defer close(over)
		_, err := c.Connect(ctx)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		assert.Equal(t, time.Second+closeGrace, elapsed(func() {
			_, err = c.CreateStream(ctx, &StreamOptions{Writable: true})
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}))
	})
	t.Run("a socket", func(t *testing.T) {
		c, s := publishing(t, deaf(t), nil)
		closeWithin(c, 50*time.Millisecond)
		require.NoError(t, s.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
		require.ErrorIs(t, blocked(s), os.ErrDeadlineExceeded)
	})
	t.Run("during a ping flood", func(t *testing.T) {
		flooded := make(chan struct{})
		url := accepting(t, func(p *peer) {
			ping := p.Encode(peertest.Event(message.EventPingRequest, 1))
			p.Conn.Write(bytes.Repeat(ping, 200_000))
			close(flooded)
			p.UntilGone()
		})
		_, s := publishing(t, url, nil)
		for more := true; more; {
			_, err := s.Write(large)
			require.NoError(t, err)
			select {
			case <-flooded:
				more = false
			default:
			}
		}
	})
}

func TestWriteRefusesOtherThings(t *testing.T) {
	_, s := publishing(t, accepting(t, (*peer).UntilGone), nil)
	_, err := s.Write([]byte("this is not FLV at all"))
	var bad *flv.Error
	require.ErrorAs(t, err, &bad)
	require.ErrorContains(t, s.WritePacket(&Packet{Type: message.TypeCommandAMF0}), "not media")
	var tooLong *chunk.Error
	require.ErrorAs(t, s.WritePacket(&Packet{Type: message.TypeVideo, Body: make([]byte, 1<<24)}), &tooLong)
	_, err = s.Read(make([]byte, 10))
	require.ErrorContains(t, err, "publishing")

	_, s = playing(t, newPeer(t, func(p *peer) { p.AcceptPlayer(); p.UntilGone() }), nil)
	_, err = s.Write(large)
	require.ErrorIs(t, err, ErrNotWritable)
	_, err = s.ReadFrom(nil)
	require.ErrorIs(t, err, ErrNotWritable)
	require.ErrorIs(t, s.WritePacket(&Packet{}), ErrNotWritable)
	require.ErrorIs(t, s.SetWriteDeadline(time.Time{}), ErrNotWritable)
}

func TestReadFromCutFile(t *testing.T) {
	server, recorded := rtmptest.Recorder(t, testserver.Config{})
	c, s := publishing(t, server.URL("live", "out"), nil)
	_, err := s.ReadFrom(bytes.NewReader(testserver.Sample[:100_000]))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NoError(t, c.Close())
	all := rtmptest.SampleTags(t)
	got := rtmptest.Tags(t, recorded("out"))
	assert.Equal(t, all[:len(got)], got)
	assert.Greater(t, len(got), 100)
}

func TestWriteAllocatesNothing(t *testing.T) {
	url := accepting(t, func(p *peer) { io.Copy(io.Discard, p.Conn) })
	_, s := publishing(t, url, nil)
	b := flv.AppendTag(flv.AppendTag(nil, sent[2]), sent[3])
	allocs := testing.AllocsPerRun(200, func() {
		if _, err := s.Write(b); err != nil {
			t.Error(err)
		}
	})
	assert.LessOrEqual(t, allocs, 1.0)
	p := &Packet{Type: message.TypeVideo, Body: sent[2].Body}
	allocs = testing.AllocsPerRun(200, func() {
		if err := s.WritePacket(p); err != nil {
			t.Error(err)
		}
	})
	assert.LessOrEqual(t, allocs, 1.0)
}

// TestConcurrentWritePackets checks that several goroutines may call WritePacket of one Stream, for example one for audio and one for
// video.
func TestConcurrentWritePackets(t *testing.T) {
	got := make(chan [2]int, 1)
	url := accepting(t, func(p *peer) {
		bad, all, seen := 0, 0, map[[2]uint32]bool{}
		for {
			m, err := p.Next()
			if err != nil {
				break
			}
			if m.Type != message.TypeAudio && m.Type != message.TypeVideo {
				continue
			}
			if all++; all%20 == 0 {
				time.Sleep(time.Millisecond) // a slow server
			}
			if key := [2]uint32{uint32(m.Type), m.Timestamp}; seen[key] || m.Body[0] != byte(m.Type) {
				bad++
			} else {
				seen[key] = true
			}
		}
		got <- [2]int{bad, all}
	})
	c, s := publishing(t, url, nil)
	done := make(chan struct{})
	for _, kind := range []message.Type{message.TypeAudio, message.TypeVideo} {
		go func() {
			for i := range 4_000 {
				s.WritePacket(&Packet{Type: kind, Timestamp: uint32(i), Body: bytes.Repeat([]byte{byte(kind)}, 20_000)})
			}
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	require.NoError(t, c.Close())
	n := <-got
	t.Logf("%d of %d packets came twice, in the place of others", n[0], n[1])
	assert.Zero(t, n[0])
	assert.Equal(t, 8_000, n[1])
}
