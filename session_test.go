package rtmp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// sent is what the scripted servers below send as media.
var sent = []flv.Tag{
	{Type: flv.TagVideo, Timestamp: 0, Body: bytes.Repeat([]byte{0x17}, 40)},
	{Type: flv.TagAudio, Timestamp: 0, Body: bytes.Repeat([]byte{0xAF}, 7)},
	{Type: flv.TagVideo, Timestamp: 40, Body: bytes.Repeat([]byte{0x27}, 1000)},
	{Type: flv.TagAudio, Timestamp: 46, Body: []byte{1}},
	{Type: flv.TagVideo, Timestamp: 80, Body: bytes.Repeat([]byte{0x27}, 70_000)},
}

func (p *peer) sendMedia() {
	for _, tag := range sent {
		p.Media(message.Type(tag.Type), tag.Timestamp, tag.Body)
	}
}

func TestPlayToFLV(t *testing.T) {
	for _, size := range []int{1, 3, 100, 4096, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptPlayer()
				p.Media(message.TypeVideo, 0, nil) // silence: no tag
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

func TestEndSignals(t *testing.T) {
	for name, end := range map[string]func(*peer){
		"Play.Stop":       func(p *peer) { p.Status("NetStream.Play.Stop") },
		"Play.Complete":   func(p *peer) { p.Status("NetStream.Play.Complete") },
		"UnpublishNotify": func(p *peer) { p.Status("NetStream.Play.UnpublishNotify") },
		"onFCUnsubscribe": func(p *peer) { p.Call(0, "onFCUnsubscribe", 0, nil) },
		"StreamEOF": func(p *peer) {
			p.Send(peertest.Event(message.EventStreamEOF, 1))
		},
		"Play.Stop, then hanging up": func(p *peer) { p.Status("NetStream.Play.Stop"); p.Conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptPlayer()
				p.sendMedia()
				end(p)
				p.UntilGone()
			})
			_, s := playing(t, url, nil)
			var file bytes.Buffer
			_, err := io.Copy(&file, s)
			require.NoError(t, err)
			assert.Equal(t, sent, rtmptest.Tags(t, file.Bytes()))
		})
	}
}

func TestConnectionLostInMidStream(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.sendMedia()
		p.Conn.Write([]byte{0x06, 0, 0, 1}) // and a piece of a header
	})
	c, s := playing(t, url, nil)
	var file bytes.Buffer
	_, err := io.Copy(&file, s)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, sent, rtmptest.Tags(t, file.Bytes()), "what was received is in the file")
	<-c.Done()
	assert.ErrorIs(t, c.Err(), io.ErrUnexpectedEOF)
	_, err = c.Call(conntest.Context(t), "late")
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestRefusals(t *testing.T) {
	t.Run("connect", func(t *testing.T) {
		url := newPeer(t, func(p *peer) {
			cmd := p.Expect("connect")
			p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", "NetConnection.Connect.Rejected", "no such app"))
			p.UntilGone()
		})
		c, err := Dial(conntest.Context(t), url, nil)
		var status *StatusError
		require.ErrorAs(t, err, &status)
		assert.Equal(t, "NetConnection.Connect.Rejected", status.Code)
		assert.Equal(t, "no such app", status.Description)
		assert.Nil(t, c)
	})
	t.Run("play, and the connection lives", func(t *testing.T) {
		url := newPeer(t, func(p *peer) {
			p.AcceptConnect()
			for i := range 2 {
				cmd := p.Expect("createStream")
				p.Call(0, "_result", cmd.TransactionID, nil, float64(i+1))
				p.Expect("play")
				if i == 0 {
					p.Status("NetStream.Play.StreamNotFound")
				} else {
					p.Call(2, "onStatus", 0, nil, message.StatusObject("status", "NetStream.Play.Start", ""))
				}
			}
			p.UntilGone()
		})
		c := dialed(t, url, nil)
		_, err := c.CreateStream(conntest.Context(t), nil)
		var status *StatusError
		require.ErrorAs(t, err, &status)
		assert.Equal(t, "NetStream.Play.StreamNotFound", status.Code)
		s, err := c.CreateStream(conntest.Context(t), nil)
		require.NoError(t, err)
		assert.EqualValues(t, 2, s.ID())
	})
}

func TestCallsInBothDirections(t *testing.T) {
	answered := make(chan *message.Command, 2)
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		for range 3 {
			switch cmd := p.Expect("add"); {
			case cmd == nil:
				return
			case len(cmd.Args) < 2:
				p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", "NetConnection.Call.Failed", "two, please"))
			default:
				p.Call(0, "_result", cmd.TransactionID, nil, cmd.Args[0].(float64)+cmd.Args[1].(float64))
			}
		}
		p.Call(0, "MyMath.MyAdd", 77, nil, 1.0, 2.0)
		answered <- p.Expect("_result")
		p.Call(0, "nobody", 78, nil)
		answered <- p.Expect("_error")
		p.Call(0, "told", 0, nil, "x")
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	ctx := conntest.Context(t)
	add := c.RemoteMethod("add")
	v, err := add(ctx, 1, 2)
	require.NoError(t, err)
	assert.Equal(t, 3.0, v)
	_, err = add(ctx)
	var status *StatusError
	require.ErrorAs(t, err, &status)
	assert.Equal(t, "two, please", status.Description)

	k, err := c.Call(ctx, "add", 5, 6)
	require.NoError(t, err)
	c.InvokeHandler("MyMath.MyAdd", func(ctx context.Context, args []any) (any, error) {
		return args[0].(float64) + args[1].(float64), ctx.Err()
	})
	args, err := c.WaitInvoke(ctx, "told")
	require.NoError(t, err)
	assert.Equal(t, []any{"x"}, args)
	v, err = k.Result(ctx)
	require.NoError(t, err, "answered while we waited for something else")
	assert.Equal(t, 11.0, v)
	sum, refused := <-answered, <-answered
	require.NotNil(t, sum)
	require.NotNil(t, refused)
	assert.Equal(t, []any{3.0}, sum.Args)
	assert.Equal(t, 77.0, sum.TransactionID)
	assert.Equal(t, 78.0, refused.TransactionID)
	require.Len(t, c.ConnectReply(), 2)
}

// A handler may use the connection: it does not run on the goroutine that reads.
func TestHandlerCallsBack(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.Call(0, "ask", 5, nil)
		cmd := p.Expect("more")
		p.Call(0, "_result", cmd.TransactionID, nil, "detail")
		answer := p.Expect("_result")
		p.Call(0, "done", 0, nil, answer.Args...)
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	c.InvokeHandler("ask", func(ctx context.Context, _ []any) (any, error) { return c.RemoteMethod("more")(ctx) })
	args, err := c.WaitInvoke(conntest.Context(t), "done")
	require.NoError(t, err)
	assert.Equal(t, []any{"detail"}, args)
}

func TestManyCallersAndAReader(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		for i := range 400 {
			cmd := p.Expect("echo")
			if cmd == nil {
				return
			}
			p.Media(message.TypeAudio, uint32(i+1), []byte{byte(i), byte(i >> 8)})
			p.Call(0, "_result", cmd.TransactionID, nil, cmd.Args[0])
		}
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	c, s := playing(t, url, nil)
	var callers sync.WaitGroup
	for g := range 8 {
		callers.Go(func() {
			for i := range 50 {
				want := float64(g*1000 + i)
				got, err := c.RemoteMethod("echo")(context.Background(), want)
				assert.NoError(t, err)
				assert.Equal(t, want, got)
			}
		})
	}
	var p Packet
	count := 0
	err := s.ReadPacket(&p)
	for ; err == nil; err = s.ReadPacket(&p) {
		assert.Equal(t, []byte{byte(count), byte(count >> 8)}, p.Body)
		count++
		assert.EqualValues(t, count, p.Timestamp)
	}
	assert.ErrorIs(t, err, io.EOF)
	assert.Equal(t, 400, count)
	callers.Wait()
}

func TestCancelledWaitsLoseNothing(t *testing.T) {
	release := make(chan struct{})
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		cmd := p.Expect("slow")
		first := p.Encode(peertest.Event(message.EventStreamBegin, 1))
		p.Conn.Write(first[:7]) // in mid-message
		<-release
		p.Conn.Write(first[7:])
		p.Call(0, "_result", cmd.TransactionID, nil, "at last")
		p.sendMedia()
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	c, s := playing(t, url, &Options{Timeout: -1})
	k, err := c.Call(conntest.Context(t), "slow")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	_, err = k.Result(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	s.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err = s.Read(make([]byte, 100))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	assert.True(t, timeout.Timeout())
	s.SetReadDeadline(time.Time{})
	require.NoError(t, c.Err())

	close(release)
	v, err := k.Result(conntest.Context(t))
	require.NoError(t, err)
	assert.Equal(t, "at last", v)
	var file bytes.Buffer
	_, err = io.Copy(&file, s)
	require.NoError(t, err)
	assert.Equal(t, sent, rtmptest.Tags(t, file.Bytes()))
}

// A deadline that is set while Read blocks counts, and so does closing the stream.
func TestReadIsRoused(t *testing.T) {
	url := newPeer(t, func(p *peer) { p.AcceptPlayer(); p.UntilGone() })
	c, s := playing(t, url, nil)
	errs := make(chan error)
	read := func() { _, err := s.Read(make([]byte, 10)); errs <- err }
	go read()
	s.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	require.ErrorIs(t, <-errs, os.ErrDeadlineExceeded)
	s.SetReadDeadline(time.Time{})
	go read()
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-errs, net.ErrClosed)
	require.NoError(t, c.Err(), "the connection goes on")
}

func TestTimeouts(t *testing.T) {
	short := &Options{Timeout: 40 * time.Millisecond}
	t.Run("handshake", func(t *testing.T) {
		l := conntest.Listen(t) // accepts and says nothing
		_, err := Dial(conntest.Context(t), "rtmp://"+l.Addr().String()+"/a/p", short)
		var failed *HandshakeError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "rtmp", failed.Stage)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.True(t, failed.Timeout())
	})
	t.Run("cancelled handshake", func(t *testing.T) {
		l := conntest.Listen(t)
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		defer cancel()
		_, err := Dial(ctx, "rtmp://"+l.Addr().String()+"/a/p", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
	t.Run("connect", func(t *testing.T) {
		_, err := Dial(conntest.Context(t), newPeer(t, (*peer).UntilGone), short)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.ErrorContains(t, err, "connect")
	})
	t.Run("read, and the connection lives", func(t *testing.T) {
		again := make(chan struct{})
		url := newPeer(t, func(p *peer) {
			p.AcceptPlayer()
			<-again
			p.sendMedia()
			p.Status("NetStream.Play.Stop")
			p.UntilGone()
		})
		_, s := playing(t, url, short)
		_, err := s.Read(make([]byte, 10))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		close(again)
		var file bytes.Buffer
		_, err = io.Copy(&file, s)
		require.NoError(t, err)
		assert.Equal(t, sent, rtmptest.Tags(t, file.Bytes()))
	})
}

func TestDialFailures(t *testing.T) {
	_, err := Dial(conntest.Context(t), "rtmp://127.0.0.1:"+conntest.UnusedPort(t)+"/a/p", nil)
	var failed *HandshakeError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "dial", failed.Stage)

	_, err = (&Conn{}).Call(conntest.Context(t), "x")
	require.ErrorIs(t, err, ErrNotConnected)
}

func TestSeekAndPause(t *testing.T) {
	asked := make(chan *message.Command, 8)
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Media(message.TypeAudio, 10, []byte("before"))
		asked <- p.Expect("pause")
		p.Send(peertest.Event(message.EventStreamEOF, 1))
		p.Status("NetStream.Pause.Notify")
		asked <- p.Expect("pause")
		p.Status("NetStream.Unpause.Notify")
		asked <- p.Expect("seek")
		p.Media(message.TypeAudio, 20, []byte("of the old position"))
		p.Status("NetStream.Seek.Notify")
		p.Media(message.TypeAudio, 5000, []byte("after"))
		asked <- p.Expect("seek")
		p.Status("NetStream.Seek.InvalidTime")
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	ctx := conntest.Context(t)
	var p Packet
	require.NoError(t, s.ReadPacket(&p))
	assert.Equal(t, "before", string(p.Body))
	require.NoError(t, s.Pause(ctx))
	require.NoError(t, s.Unpause(ctx))
	require.NoError(t, s.Seek(ctx, 5*time.Second))
	require.NoError(t, s.ReadPacket(&p))
	assert.Equal(t, "after", string(p.Body), "what was under way before the seek is dropped")
	err := s.Seek(ctx, time.Hour)
	var status *StatusError
	require.ErrorAs(t, err, &status)
	assert.Equal(t, "NetStream.Seek.InvalidTime", status.Code)
	require.ErrorIs(t, s.ReadPacket(&p), io.EOF)
	for _, want := range [][]any{{true, 10.0}, {false, 10.0}, {5000.0}, {3_600_000.0}} {
		assert.Equal(t, want, (<-asked).Args)
	}
}

func TestPlayArguments(t *testing.T) {
	for _, test := range []struct {
		options Options
		stream  StreamOptions
		want    []any
	}{
		{Options{}, StreamOptions{}, []any{"play", 0.0}},
		{Options{Live: true}, StreamOptions{}, []any{"play", -1000.0}},
		{Options{Start: 2 * time.Second, Stop: 5500 * time.Millisecond}, StreamOptions{}, []any{"play", 2000.0, 3500.0}},
		{Options{Start: 2 * time.Second}, StreamOptions{Name: "other", Seek: time.Second}, []any{"other", 1000.0}},
		{Options{Live: true, Start: 10 * time.Millisecond, Stop: 20 * time.Millisecond}, StreamOptions{}, []any{"play", -1000.0, 10.0}},
	} {
		got := make(chan *message.Command, 1)
		c := dialed(t, newPeer(t, func(p *peer) { got <- p.AcceptPlayer(); p.UntilGone() }), &test.options)
		_, err := c.CreateStream(conntest.Context(t), &test.stream)
		require.NoError(t, err)
		assert.Equal(t, test.want, (<-got).Args)
	}
	c := dialed(t, newPeer(t, func(p *peer) { p.AcceptConnect(); p.UntilGone() }), &Options{Start: 2 * time.Second, Stop: time.Second})
	_, err := c.CreateStream(conntest.Context(t), nil)
	var option *OptionError
	require.ErrorAs(t, err, &option)
}

func TestPacketLevel(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Send(peertest.Event(message.EventPingRequest, 99))
		p.Media(message.TypeAudio, 7, []byte("sound"))
		p.Call(0, "_result", 99, nil, p.ExpectType(message.TypeUserControl)) // SetBufferLength
		if b := p.ExpectType(message.TypeUserControl); b != nil {
			u, _ := message.ParseUserControl(b)
			p.Call(0, "pong seen", 0, nil, float64(u.Event), float64(u.Value))
		}
		p.UntilGone()
	})
	c, s := playing(t, url, nil)
	ctx := conntest.Context(t)
	var ping, sound Packet
	require.NoError(t, c.ReadPacket(ctx, &ping))
	require.Equal(t, message.TypeUserControl, ping.Type)
	require.NoError(t, c.ReadPacket(ctx, &sound))
	assert.Equal(t, "sound", string(sound.Body))
	assert.Contains(t, sound.Dump(), "Audio (8), format 0, chunk stream 6, message stream 1, time 7 ms, 5 bytes")
	require.NoError(t, c.HandlePacket(ctx, &sound))
	require.NoError(t, c.HandlePacket(ctx, &ping))
	args, err := c.WaitInvoke(ctx, "pong seen")
	require.NoError(t, err)
	assert.Equal(t, []any{float64(message.EventPingResponse), 99.0}, args)
	var again Packet
	require.NoError(t, s.ReadPacket(&again))
	assert.Equal(t, sound.Body, again.Body)
}

func TestBacklog(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		cmd := p.Expect("echo")
		for i := range 100 {
			p.Media(message.TypeAudio, uint32(i), make([]byte, 1000))
		}
		p.Call(0, "_result", cmd.TransactionID, nil, "there")
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	c, s := playing(t, url, &Options{MaxQueue: 10_000})
	k, err := c.Call(conntest.Context(t), "echo")
	require.NoError(t, err)
	_, err = k.Result(conntest.Context(t))
	require.ErrorIs(t, err, ErrStreamBacklog)
	assert.LessOrEqual(t, c.Stats().QueuedBytes, 12_000)
	count := 0
	var p Packet
	for err = s.ReadPacket(&p); err == nil; err = s.ReadPacket(&p) {
		count++
	}
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, 100, count, "nothing is lost")
	v, err := k.Result(conntest.Context(t))
	require.NoError(t, err)
	assert.Equal(t, "there", v)
}

func TestBackgroundRead(t *testing.T) {
	pong := make(chan []byte, 1)
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.ExpectType(message.TypeUserControl) // SetBufferLength
		p.Send(peertest.Event(message.EventPingRequest, 5))
		pong <- p.ExpectType(message.TypeUserControl)
		p.sendMedia()
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	_, s := playing(t, url, &Options{BackgroundRead: true, MaxQueue: 2000})
	assert.Equal(t, message.AppendUserControl(nil, message.EventPingResponse, 5), <-pong, "answered although nobody waits")
	var file bytes.Buffer
	_, err := io.Copy(&file, s)
	require.NoError(t, err)
	assert.Equal(t, sent, rtmptest.Tags(t, file.Bytes()))
}

// A server that sends pings and reads nothing must not stop us from reading.
func TestPingFlood(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		ping := p.Encode(peertest.Event(message.EventPingRequest, 1))
		ping = append(ping, p.Encode(peertest.Event(message.EventPingRequest, 1))...)
		p.Conn.Write(ping[:12+6])
		for range 100 {
			p.Conn.Write(bytes.Repeat(ping[12+6:], 2000))
		}
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	_, err := s.Read(make([]byte, 10))
	require.ErrorIs(t, err, io.EOF)
}

func TestBrokenProtocol(t *testing.T) {
	for name, test := range map[string]struct {
		t     message.Type
		body  []byte
		phase string
	}{
		"chunk size 0":    {message.TypeSetChunkSize, []byte{0, 0, 0, 0}, "chunk"},
		"chunk size 2^31": {message.TypeSetChunkSize, []byte{0x80, 0, 0, 0}, "chunk"},
	} {
		t.Run(name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptPlayer()
				p.sendMedia()
				if test.t == message.TypeSetChunkSize { // which our own writer refuses
					p.Conn.Write(append([]byte{2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0}, test.body...))
				} else {
					p.Control(test.t, test.body)
				}
				p.UntilGone()
			})
			c, s := playing(t, url, nil)
			var file bytes.Buffer
			_, err := io.Copy(&file, s)
			var bad *ProtocolError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, test.phase, bad.Phase)
			assert.Equal(t, sent, rtmptest.Tags(t, file.Bytes()), "what was received before is in the file")
			assert.ErrorIs(t, c.Err(), error(bad))
		})
	}
}

func TestUnknownThingsAreSkipped(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Control(200, []byte("what?"))
		p.Send(peertest.Event(500, 1))
		p.Control(message.TypeAcknowledgement, []byte{0xF0, 0, 0, 0})
		p.Call(0, "_result", 4711, nil, "for nobody")
		p.Call(1, "onWhatever", 0, nil, 1.0)
		p.Data("onTextData", "x")
		p.Media(message.TypeDataAMF0, 0, []byte{0x99})
		p.sendMedia()
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	c, s := playing(t, url, nil)
	var file bytes.Buffer
	_, err := io.Copy(&file, s)
	require.NoError(t, err)
	assert.Equal(t, sent, rtmptest.Tags(t, file.Bytes()))
	stats := c.Stats()
	assert.EqualValues(t, []uint64{1, 1, 1}, []uint64{stats.UnknownMessages, stats.UnknownEvents, stats.BadData})
}

func TestAggregates(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		var body []byte
		for _, tag := range sent[:4] {
			tag.Timestamp += 500 // their own clock; the aggregate's counts
			body = flv.AppendTag(body, tag)
		}
		p.Media(message.TypeAggregate, 0, body)
		p.Media(message.TypeVideo, 80, sent[4].Body)
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	var file bytes.Buffer
	_, err := io.Copy(&file, s)
	require.NoError(t, err)
	assert.Equal(t, sent, rtmptest.Tags(t, file.Bytes()))
}

func TestAcknowledgements(t *testing.T) {
	const window = 20_000
	acks := make(chan []byte, 1)
	url := newPeer(t, func(p *peer) {
		p.Control(message.TypeWindowAckSize, message.AppendUint32(nil, window))
		p.AcceptPlayer()
		p.Media(message.TypeVideo, 1, make([]byte, 50_000))
		acks <- p.ExpectType(message.TypeAcknowledgement)
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	_, err := io.Copy(io.Discard, s)
	require.NoError(t, err)
	value, err := message.Uint32(message.TypeAcknowledgement, <-acks)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, value, uint32(window/2))
}

func TestServersOwnCalls(t *testing.T) {
	log := make(chan string, 4)
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.Call(0, "onBWDone", 0, nil, 8192.0)
		p.Expect("_checkbw")
		log <- "_checkbw"
		p.Call(0, "onBWDone", 0, nil, 8192.0) // not twice
		p.Call(0, "ping", 0, nil)
		p.Expect("pong")
		log <- "pong"
		p.Call(0, "_onbwcheck", 12, nil, "payload")
		if cmd := p.Expect("_result"); cmd != nil && cmd.TransactionID == 12 {
			log <- "bandwidth"
		}
		p.Call(0, "close", 0, nil)
		p.UntilGone()
		close(log)
	})
	c := dialed(t, url, nil)
	err := c.ProcessPackets(conntest.Context(t))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.ErrorContains(t, err, "close")
	var got []string
	for entry := range log {
		got = append(got, entry)
	}
	assert.Equal(t, []string{"_checkbw", "pong", "bandwidth"}, got)
}

func TestSeveralStreams(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		for id := uint32(1); id <= 2; id++ {
			cmd := p.Expect("createStream")
			p.Call(0, "_result", cmd.TransactionID, nil, float64(id))
			p.Expect("play")
			p.Call(id, "onStatus", 0, nil, message.StatusObject("status", "NetStream.Play.Start", ""))
		}
		for i := range 50 {
			o := Packet{Type: message.TypeAudio, StreamID: uint32(1 + i%2), Timestamp: uint32(i), Body: []byte{byte(i)}}
			p.Send(session.EncodePacket(&o))
		}
		for id := uint32(1); id <= 2; id++ {
			p.Call(id, "onStatus", 0, nil, message.StatusObject("status", "NetStream.Play.Stop", ""))
		}
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	var readers sync.WaitGroup
	var streams []*Stream
	for range 2 {
		s, err := c.CreateStream(conntest.Context(t), nil)
		require.NoError(t, err)
		streams = append(streams, s)
	}
	for i, s := range streams {
		readers.Go(func() {
			var p Packet
			for next := i; ; next += 2 {
				if err := s.ReadPacket(&p); err != nil {
					assert.ErrorIs(t, err, io.EOF)
					assert.GreaterOrEqual(t, next, 50)
					return
				}
				assert.Equal(t, []byte{byte(next)}, p.Body)
			}
		})
	}
	readers.Wait()
}

func TestCloseUnblocksEverybody(t *testing.T) {
	url := newPeer(t, func(p *peer) { p.AcceptPlayer(); p.UntilGone() })
	c, s := playing(t, url, &Options{Timeout: -1, BackgroundRead: true})
	ctx := conntest.Context(t)
	k, err := c.Call(ctx, "never answered")
	require.NoError(t, err)
	errs := make(chan error, 5)
	go func() { _, err := s.Read(make([]byte, 10)); errs <- err }()
	go func() { _, err := k.Result(ctx); errs <- err }()
	go func() { errs <- c.ProcessPackets(ctx) }()
	go func() { _, err := c.WaitInvoke(ctx, "x"); errs <- err }()
	go func() { var p Packet; errs <- c.ReadPacket(ctx, &p) }()
	require.NoError(t, c.Close())
	for range 5 {
		assert.ErrorIs(t, <-errs, net.ErrClosed)
	}
	require.NoError(t, c.Close(), "again")
	assert.False(t, c.Connected())
}

func TestReadPacketAllocatesNothing(t *testing.T) {
	const runs = 1000
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		var all []byte
		for i := range uint32(runs + 10) {
			all = append(all, p.Encode(chunk.Outgoing{Type: uint8(message.TypeAudio), ChunkStreamID: 4, StreamID: 1, Timestamp: i,
				Body: make([]byte, 100)})...)
		}
		p.Conn.Write(all)
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	var p Packet
	require.NoError(t, s.ReadPacket(&p), "the first brings the memory")
	allocs := testing.AllocsPerRun(runs, func() {
		if err := s.ReadPacket(&p); err != nil || len(p.Body) != 100 {
			t.Fatal(err, len(p.Body))
		}
	})
	assert.Zero(t, allocs)
}

// A publisher's order to its server, which some servers hand on to players, is metadata all the same.
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
