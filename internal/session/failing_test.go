package session

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestFailedWriteReadsTheRest checks that what the peer has sent is handled before a failed write ends the Session, whichever method writes,
// and that the write returns only then.
func TestFailedWriteReadsTheRest(t *testing.T) {
	media := Encode(message.TypeAudio, 1, 0, make([]byte, 1000))
	batch := func(s *Session) error {
		b, err := s.Begin(nil)
		if err != nil {
			return err
		}
		return b.End(b.Add(&media))
	}
	for name, write := range map[string]func(s *Session) error{
		"Send":   func(s *Session) error { return s.Send(context.Background(), media) },
		"Post":   func(s *Session) error { return s.Post(context.Background(), false, media) },
		"Batch":  batch,
		"Writev": func(s *Session) error { return s.Writev([][]byte{make([]byte, 1000)}) },
	} {
		for _, standing := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				a, b := conntest.Pair(t)
				client := newRole(a, Config{})
				defer client.session.Close()
				const messages = 50
				var sent []byte
				for range messages {
					sent, _ = chunk.NewWriter().AppendMessage(sent, &media)
				}
				if standing {
					client.session.StartStanding()
				}
				_, err := b.Write(sent)
				require.NoError(t, err)
				require.NoError(t, b.SetLinger(0))
				require.NoError(t, b.Close())
				for err == nil {
					err = write(client.session)
				}
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				require.Equal(t, client.session.Err(), err)
				require.Len(t, client.received, messages)
			})
		}
	}
}

// deafConn is a connection whose writes fail, while the peer goes on sending.
type deafConn struct{ net.Conn }

func (deafConn) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestFailedWriteEndsSoon checks that a peer that goes on sending, or sends nothing, does not keep a Session whose write has failed.
func TestFailedWriteEndsSoon(t *testing.T) {
	for name, send := range map[string]func(net.Conn) error{
		"silent":    func(nc net.Conn) error { _, err := nc.Read(make([]byte, 1)); return err },
		"talkative": func(nc net.Conn) error { time.Sleep(time.Millisecond); _, err := nc.Write(make([]byte, 1)); return err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := net.Pipe()
				client := newRole(deafConn{a}, Config{})
				var sending sync.WaitGroup
				defer sending.Wait()
				defer client.session.Close()
				sending.Go(func() {
					for send(b) == nil {
					}
				})
				began := time.Now()
				err := client.session.Send(context.Background(), ping)
				require.ErrorIs(t, err, io.ErrClosedPipe)
				require.Equal(t, stopGrace, time.Since(began))
			})
		})
	}
}

// TestFailedWriteDuringDispatch checks that a write that fails while messages can't be dispatched, since the caller is dispatching one, returns.
func TestFailedWriteDuringDispatch(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	client := newRole(deafConn{a}, Config{})
	defer client.session.Close()
	client.session.dispatching.Lock()
	defer client.session.dispatching.Unlock()
	sent := make(chan error, 1)
	go func() { sent <- client.session.Send(context.Background(), ping) }()
	select {
	case err := <-sent:
		require.ErrorIs(t, err, io.ErrClosedPipe)
	case <-conntest.Context(t).Done():
		t.Fatal("Send has not returned")
	}
}

// TestResetFoundByAReply checks that a connection that the peer has reset counts as lost and not as closed in an orderly way, also if the
// system has reported the reset to the write of a reply, and then reports the end of the connection to the reader.
func TestResetFoundByAReply(t *testing.T) {
	a, b := conntest.Pair(t)
	client := newRole(a, Config{HungUp: func(bool) { t.Error("the peer has not hung up") }})
	defer client.session.Close()
	require.NoError(t, b.SetLinger(0))
	require.NoError(t, b.Close())
	client.session.Reply(ping)
	client.session.FlushReplies()
	err := client.session.Await(conntest.Context(t), "the end", nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.False(t, HungUp(err))
}

// lateConn is a connection whose writes fail when fail is closed.
type lateConn struct {
	net.Conn
	fail chan struct{}
}

func (c lateConn) Write([]byte) (int, error) { <-c.fail; return 0, io.ErrClosedPipe }

// TestFailedWriteAfterTheEnd checks that a write that fails when the reader has already found the end of the connection ends the Session at
// once.
func TestFailedWriteAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		c := lateConn{a, make(chan struct{})}
		client := newRole(c, Config{})
		defer client.session.Close()
		client.session.StartStanding()
		began := time.Now()
		var writing sync.WaitGroup
		writing.Go(func() { require.Error(t, client.session.Send(context.Background(), ping)) })
		synctest.Wait()
		require.NoError(t, b.Close())
		synctest.Wait()
		close(c.fail)
		writing.Wait()
		require.Zero(t, time.Since(began))
	})
}
