package rtmp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

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

func writePackets(t *testing.T, s *Stream, count, size int) {
	t.Helper()
	body := make([]byte, size)
	for i := range count {
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: uint32(i), Body: body}))
	}
}

// requireLossReported checks that Close always returns the same error, whose text contains the connection's error once.
func requireLossReported(t *testing.T, c *Conn, target error) {
	t.Helper()
	err := c.Close()
	require.ErrorIs(t, err, target)
	assert.Equal(t, c.Err(), err)
	assert.Equal(t, 1, strings.Count(err.Error(), "rtmp:"), err)
	assert.Equal(t, err, c.Close())
}

// closeWithin sets Options.Timeout for Close alone, so that connecting may take as long as it needs on a busy machine.
func closeWithin(c *Conn, timeout time.Duration) { c.client.Load().opts.Timeout = timeout }

// shrinkReadBuffer gives a peer a small socket buffer, so that it accepts few bytes without reading.
func (p *peer) shrinkReadBuffer() { p.Conn.(*net.TCPConn).SetReadBuffer(4096) }

func TestCloseReportsWhatWasLost(t *testing.T) {
	reset := func(t *testing.T) (*Conn, *Stream) {
		written := make(chan struct{})
		c, s := publishing(t, accepting(t, func(p *peer) {
			io.CopyN(io.Discard, p.Conn, 20_000)
			<-written
			p.Conn.(*net.TCPConn).SetLinger(0)
		}), &Options{SendQueue: 1 << 20})
		writePackets(t, s, 20, 20_000)
		close(written)
		<-c.Done()
		return c, s
	}
	t.Run("with a connection that was reset before", func(t *testing.T) {
		c, _ := reset(t)
		requireLossReported(t, c, io.ErrUnexpectedEOF)
	})
	t.Run("after Stream.Close has told", func(t *testing.T) {
		c, s := reset(t)
		require.ErrorIs(t, s.Close(), io.ErrUnexpectedEOF)
		requireLossReported(t, c, io.ErrUnexpectedEOF)
	})
	t.Run("in the send queue of a stalled connection", func(t *testing.T) {
		c, s := publishing(t, deaf(t), &Options{SendQueue: 64 << 20})
		writePackets(t, s, 32, 1<<20)
		require.ErrorIs(t, s.Close(), os.ErrDeadlineExceeded)
		requireLossReported(t, c, os.ErrDeadlineExceeded)
	})
	t.Run("in the socket of one that nobody reads", func(t *testing.T) {
		over := make(chan struct{})
		url := accepting(t, func(p *peer) { p.shrinkReadBuffer(); <-over })
		t.Cleanup(func() { close(over) })
		c, s := publishing(t, url, nil)
		closeWithin(c, 300*time.Millisecond)
		writePackets(t, s, 10, 100_000)
		requireLossReported(t, c, os.ErrDeadlineExceeded)
	})
	t.Run("when the server ends in the middle of it", func(t *testing.T) {
		lingers, over := make(chan struct{}), make(chan struct{})
		url := accepting(t, func(p *peer) {
			p.shrinkReadBuffer()
			<-lingers
			p.Conn.(*net.TCPConn).CloseWrite() // a killed server that had read everything also sends a FIN
			<-over
		})
		t.Cleanup(func() { close(over) })
		c, s := publishing(t, url, &Options{Trace: &Trace{Sent: func(p *Packet) { // Close has sent its last message: from now on the server may hang up
			if cmd, err := message.ParseCommand(p.Type, p.Body); err == nil && cmd.Name == "deleteStream" {
				close(lingers)
			}
		}}})
		writePackets(t, s, 10, 100_000)
		requireLossReported(t, c, io.ErrUnexpectedEOF)
	})
}

// TestCloseAfterTheServerHungUp checks that nothing was lost if the server hangs up in an orderly way after the stream was closed.
func TestCloseAfterTheServerHungUp(t *testing.T) {
	url := accepting(t, func(p *peer) { p.Expect("deleteStream") })
	c, s := publishing(t, url, nil)
	writePackets(t, s, 10, 100_000)
	require.NoError(t, s.Close())
	<-c.Done()
	assert.ErrorIs(t, c.Err(), io.ErrUnexpectedEOF)
	assert.NoError(t, c.Close())
}

// TestClosersWaitForTheFirst checks that further calls of Close wait until the first has sent everything, and return the same error.
func TestClosersWaitForTheFirst(t *testing.T) {
	const count, size = 30, 1 << 20
	type closer func(c *Conn, s *Stream) error
	tooLong := make([]byte, chunk.MaxMessageLength+1) // this message can't be sent
	conn := func(c *Conn, _ *Stream) error { return c.Close() }
	stream := func(_ *Conn, s *Stream) error { return s.Close() }
	for name, closers := range map[string][2]closer{
		"Conn and Conn": {conn, conn}, "Conn and Stream": {conn, stream},
		"Stream and Conn": {stream, conn}, "Stream and Stream": {stream, stream},
	} {
		t.Run(name, func(t *testing.T) {
			read, arrived := make(chan struct{}), make(chan int, 1)
			url := accepting(t, func(p *peer) {
				<-read
				total := 0
				for m := (chunk.Message{}); p.In.Next(&m) == nil; {
					if message.Type(m.Type) == message.TypeVideo {
						total += m.Len()
					}
				}
				arrived <- total
			})
			c, s := publishing(t, url, &Options{SendQueue: 2 * count * size})
			writePackets(t, s, count, size)
			results := make(chan error, 2)
			go func() { results <- closers[0](c, s) }()
			require.Eventually(t, func() bool { // the first Close has begun
				return errors.Is(s.WritePacket(&Packet{Type: message.TypeVideo, Body: tooLong}), net.ErrClosed)
			}, patience, time.Millisecond)
			go func() { results <- closers[1](c, s) }()
			select {
			case err := <-results:
				t.Error("one of them does not wait:", err)
			case <-time.After(20 * time.Millisecond):
			}
			close(read)
			assert.NoError(t, <-results)
			assert.NoError(t, <-results)
			assert.NoError(t, c.Close())
			assert.Equal(t, count*size, <-arrived)
		})
	}
}

// TestCloseWhereTheServerNeverHangsUp checks servers that read everything but neither answer nor hang up, such as joy4, livego and go2rtc.
func TestCloseWhereTheServerNeverHangsUp(t *testing.T) {
	read := make(chan int64, 1)
	server := func(t *testing.T) string {
		over := make(chan struct{})
		url := accepting(t, func(p *peer) {
			n, _ := io.Copy(io.Discard, p.Conn)
			read <- n
			<-over
		})
		t.Cleanup(func() { close(over) }) // runs before the cleanup of accepting
		return url
	}
	t.Run("a socket", func(t *testing.T) {
		c, s := publishing(t, server(t), nil)
		writePackets(t, s, 10, 100_000)
		assert.Less(t, elapsed(func() { assert.NoError(t, c.Close()) }), 15*time.Second, "half of Timeout")
		assert.Greater(t, <-read, int64(1_000_000))
	})
	t.Run("not a plain socket", func(t *testing.T) { // so the client can't know whether everything has arrived
		c, s := publishing(t, server(t), &Options{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			return hidden{nc}, err
		}})
		closeWithin(c, 300*time.Millisecond)
		writePackets(t, s, 10, 100_000)
		requireLossReported(t, c, os.ErrDeadlineExceeded)
		assert.Greater(t, <-read, int64(1_000_000))
	})
}

// TestSilence checks which signs that the server is still reading make Close wait. TCP acknowledges bytes that the server has not read yet,
// so RTMP's acknowledgements count as well.
func TestSilence(t *testing.T) {
	for name, test := range map[string]struct {
		arrived        bool
		unacknowledged int
		unknown, acks  bool
		silent         bool
	}{
		"nothing": {silent: true},
		"only the last commands are unacknowledged": {unacknowledged: farewellSize, silent: true},
		"media is unacknowledged":                   {unacknowledged: farewellSize + 1},
		"not known":                                 {unknown: true},
		"acknowledgements of RTMP":                  {acks: true},
		"everything was read":                       {arrived: true, unacknowledged: farewellSize + 1, unknown: true, acks: true, silent: true},
	} {
		s, acks := silence{arrived: test.arrived}, uint64(0)
		for range 3 {
			if test.acks {
				acks++
			}
			s.tick(test.unacknowledged, !test.unknown, acks)
		}
		if test.silent {
			assert.Equal(t, 3*lingerPoll, s.lasted, name)
		} else {
			assert.Zero(t, s.lasted, name)
		}
		s.arrived = true
		s.tick(0, true, acks)
		assert.Positive(t, s.lasted, name)
	}
}

func TestStreamCloseBesideALingeringConn(t *testing.T) {
	lingers, over := make(chan struct{}), make(chan struct{})
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		for id := range 2 {
			p.AcceptStream(uint32(id + 1))
			if id == 0 {
				p.Expect("publish")
				p.Status("NetStream.Publish.Start")
			} else {
				p.Expect("play")
				p.StatusOn(2, "NetStream.Play.Start")
			}
		}
		p.UntilGone() // the server has closed its write side, and waits until the client hangs up
		close(lingers)
		<-over
	})
	c, _ := publishing(t, url, nil)
	player, err := c.CreateStream(conntest.Context(t), nil)
	require.NoError(t, err)
	closed := make(chan error, 1)
	go func() { closed <- c.Close() }()
	<-lingers
	assert.NoError(t, player.Close())
	close(over)
	assert.NoError(t, <-closed)
}

func TestCloseBesideRequests(t *testing.T) {
	for range 60 {
		url := newPeer(t, func(p *peer) {
			p.AcceptPlayer()
			p.UntilGone()
		})
		c, s := playing(t, url, nil)
		var all sync.WaitGroup
		for _, f := range []func() error{
			func() error { return s.Seek(conntest.Context(t), time.Second) },
			func() error { return s.Pause(conntest.Context(t)) },
			func() error { _, err := c.CreateStream(conntest.Context(t), nil); return err },
		} {
			all.Go(func() { assert.ErrorIs(t, f(), net.ErrClosed) })
		}
		assert.NoError(t, c.Close())
		all.Wait()
	}
}

// TestCloseWhilePublishIsUnanswered checks that Close neither waits for a stream whose publish is unanswered nor reports a loss.
func TestCloseWhilePublishIsUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, c := piped(t, Options{}, func(p *peer) {
			p.AcceptConnect()
			p.AcceptStream(1)
			p.UntilGone()
		})
		_, err := c.Connect(ctx)
		require.NoError(t, err)
		failed := make(chan error)
		go func() {
			_, err := c.CreateStream(ctx, &StreamOptions{Writable: true})
			failed <- err
		}()
		synctest.Wait()
		require.Len(t, c.client.Load().streams.all(), 1)
		assert.Zero(t, elapsed(func() { err = c.Close() }))
		require.NoError(t, err)
		require.ErrorIs(t, <-failed, net.ErrClosed)
		require.ErrorIs(t, c.Err(), net.ErrClosed)
	})
}

// TestCloseReportsALateRefusal checks that Close reports a refusal that arrives after the published stream was closed: the server may have
// dropped the last media, for instance because another publisher has taken over.
func TestCloseReportsALateRefusal(t *testing.T) {
	for name, test := range map[string]struct {
		id      uint32 // message stream of the status
		code    string
		refused bool
	}{
		"of the stream":                    {1, message.CodePublishBadName, true},
		"of the stream, with the id 0":     {0, message.CodePublishBadName, true},
		"no refusal":                       {1, message.CodeUnpublishSuccess, false},
		"of a stream that never published": {2, message.CodePublishBadName, false},
		"of something else":                {1, message.CodePlayStreamNotFound, false},
	} {
		for _, first := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				c, s := publishing(t, accepting(t, func(p *peer) {
					p.Expect("deleteStream")
					p.StatusOn(test.id, test.code)
				}), nil)
				writePackets(t, s, 3, 1000)
				if first {
					require.NoError(t, s.Close())
				}
				err := c.Close()
				if !test.refused {
					require.NoError(t, err)
					return
				}
				var status *StatusError
				require.ErrorAs(t, err, &status)
				assert.Equal(t, test.code, status.Code)
			})
		}
	}
}

// TestCloseReportsRefusalsDuringClose checks that no refusal is lost that arrives while a published stream is being closed, not even if the
// server then hangs up.
func TestCloseReportsRefusalsDuringClose(t *testing.T) {
	for _, first := range []bool{true, false} {
		for _, hangsUp := range []bool{true, false} {
			hangUp := make(chan struct{})
			c, s := publishing(t, accepting(t, func(p *peer) {
				for range 3 {
					p.ExpectType(message.TypeVideo)
				}
				if <-hangUp; !hangsUp {
					p.UntilGone()
				}
			}), nil)
			writePackets(t, s, 3, 1000)
			k, leave := c.client.Load(), s.leave
			s.leave = func() {
				k.statusReceived(s.id, &StatusError{Level: "error", Code: message.CodePublishBadName})
				leave()
				if close(hangUp); hangsUp {
					<-k.session.Done()
				}
			}
			var closed error
			if first {
				closed = s.Close()
			}
			var status *StatusError
			require.ErrorAs(t, errors.Join(closed, c.Close()), &status)
		}
	}
}

// TestShutdownAfterTheStreamIsClosed checks that Conn.Close reports that the server has shut down just after the stream was closed, since
// such a server may have dropped the last media.
func TestShutdownAfterTheStreamIsClosed(t *testing.T) {
	c, s := publishing(t, accepting(t, func(p *peer) { p.UntilGone() }), nil)
	writePackets(t, s, 3, 1000)
	require.NoError(t, s.Close())
	c.client.Load().statusReceived(0, &StatusError{Level: "error", Code: message.CodeConnectAppShutdown})
	var status *StatusError
	require.ErrorAs(t, c.Close(), &status)
	assert.Equal(t, message.CodeConnectAppShutdown, status.Code)
}

// TestLateRefusalHidesTheKey checks that the error of Close does not contain the key of a stream that was closed before it.
func TestLateRefusalHidesTheKey(t *testing.T) {
	c, s := publishing(t, accepting(t, func(p *peer) { p.UntilGone() }), nil)
	s.name = "verysecretkey"
	writePackets(t, s, 3, 1000)
	require.NoError(t, s.Close())
	c.client.Load().statusReceived(s.id, &StatusError{Level: "error", Code: message.CodePublishBadName, Description: "verysecretkey is in use"})
	err := c.Close()
	require.ErrorContains(t, err, "is in use")
	assert.NotContains(t, err.Error(), "secretkey")
}

// TestCloseReportsRefusalsOnce checks that Conn.Close does not fail because a server repeats a refusal that Stream.Close has returned.
func TestCloseReportsRefusalsOnce(t *testing.T) {
	for _, repeatedOn := range []uint32{0, 1} {
		c, s := publishing(t, accepting(t, func(p *peer) { p.UntilGone() }), nil)
		k, refusal := c.client.Load(), &StatusError{Level: "error", Code: message.CodePublishBadName}
		k.statusReceived(s.id, refusal)
		var status *StatusError
		require.ErrorAs(t, s.Close(), &status)
		k.statusReceived(repeatedOn, refusal)
		assert.NoError(t, c.Close())
	}
}
