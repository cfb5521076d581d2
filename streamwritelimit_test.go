package rtmp

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// hookedConn is a socket that calls a function once, right before or after a Write.
type hookedConn struct {
	net.Conn
	before, after atomic.Pointer[func()]
	ended         chan struct{} // signalled when a deadline in the past is set
}

func hookedDial(nc **hookedConn) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		socket, err := new(net.Dialer).DialContext(ctx, network, addr)
		*nc = &hookedConn{Conn: socket, ended: make(chan struct{}, 1)}
		return *nc, err
	}
}

func (c *hookedConn) Write(b []byte) (int, error) {
	if f := c.before.Swap(nil); f != nil {
		(*f)()
	}
	n, err := c.Conn.Write(b)
	if f := c.after.Swap(nil); f != nil {
		(*f)()
	}
	return n, err
}

func (c *hookedConn) SetWriteDeadline(t time.Time) error {
	err := c.Conn.SetWriteDeadline(t)
	if !t.IsZero() && t.Before(time.Now()) {
		select {
		case c.ended <- struct{}{}:
		default:
		}
	}
	return err
}

// TestLimitBeforeTheFirstByte checks that a deadline that passes after the write has taken the lock, but before it has sent a byte, has no
// effect.
func TestLimitBeforeTheFirstByte(t *testing.T) {
	for _, scheme := range []string{"rtmp", "rtmps", "rtmpe"} {
		t.Run(scheme, func(t *testing.T) {
			server, recorded := rtmptest.Recorder(t, testserver.Config{Scheme: scheme})
			var nc *hookedConn
			c, s := publishing(t, server.URL("live", "out"), &Options{TLSConfig: testserver.ClientTLS(), DialContext: hookedDial(&nc)})
			for range 3 {
				ctx, cancel := context.WithCancel(conntest.Context(t))
				end := func() { cancel(); <-nc.ended }
				nc.before.Store(&end)
				k, err := c.Call(ctx, "unknown")
				require.NoError(t, err)
				require.ErrorIs(t, ctx.Err(), context.Canceled)
				_, err = k.Result(conntest.Context(t))
				require.ErrorContains(t, err, "unknown", "the server has understood it")
			}
			late := func() { s.SetWriteDeadline(past); <-nc.ended }
			nc.before.Store(&late)
			_, err := s.Write(testserver.Sample)
			if err != nil { // the write is long
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			}
			require.NoError(t, c.Err())
			require.NoError(t, c.Close())
			isPrefix(t, recorded("out"))
		})
	}
}

// TestWriteDeadlineLosesNothing checks that a deadline before or between writes to the socket does not end the connection, and that the
// program can write the rest later.
func TestWriteDeadlineLosesNothing(t *testing.T) {
	server, recorded := rtmptest.Recorder(t, testserver.Config{})
	var nc *hookedConn
	c, s := publishing(t, server.URL("live", "out"), &Options{DialContext: hookedDial(&nc)})
	require.NoError(t, s.SetWriteDeadline(past))
	n, err := s.Write(testserver.Sample)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Zero(t, n)
	require.ErrorIs(t, s.WritePacket(&Packet{Type: message.TypeAudio, Body: []byte{0xAF, 1}}), os.ErrDeadlineExceeded)
	require.NoError(t, c.Err())

	require.NoError(t, s.SetWriteDeadline(time.Time{}))
	copies := 1<<20/len(testserver.Sample) + 1 // more than one write to the socket
	file := slices.Repeat(testserver.Sample, copies)
	end := func() { s.SetWriteDeadline(past) }
	nc.after.Store(&end)
	n, err = s.Write(file)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Positive(t, n)
	require.Less(t, n, len(file))
	require.NoError(t, c.Err())

	require.NoError(t, s.SetWriteDeadline(time.Time{}))
	_, err = s.Write(file[n:])
	require.NoError(t, err)
	require.NoError(t, c.Close())
	rtmptest.EqualTags(t, slices.Repeat(rtmptest.SampleTags(t), copies), rtmptest.Tags(t, recorded("out")))
}

// TestContextEndsWithTheLock checks that a write whose context ends when it has just taken the lock sends nothing or everything.
func TestContextEndsWithTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, c := piped(t, Options{}, func(p *peer) { p.AcceptConnect(); p.UntilGone() })
		k, err := c.Connect(ctx)
		require.NoError(t, err)
		_, err = k.Result(ctx)
		require.NoError(t, err)
		for range 100 {
			short, cancel := context.WithCancel(ctx)
			another, err := c.client.Load().session.Begin(nil)
			require.NoError(t, err)
			result := make(chan error, 1)
			go func() { _, err := c.Call(short, "anything"); result <- err }()
			synctest.Wait()
			require.NoError(t, another.End(nil)) // the call has the lock now
			cancel()
			if err := <-result; err != nil {
				require.ErrorIs(t, err, context.Canceled)
			}
			require.NoError(t, c.Err())
		}
	})
}

func TestContextEndsAWriteThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, c := piped(t, Options{}, func(p *peer) {
			p.AcceptConnect()
			time.Sleep(time.Hour)
		})
		k, err := c.Connect(ctx)
		require.NoError(t, err)
		_, err = k.Result(ctx)
		require.NoError(t, err)
		synctest.Wait()
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		assert.Equal(t, time.Second, elapsed(func() { _, err = c.Call(short, "anything") }))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, c.Err(), context.DeadlineExceeded)
	})
}

// TestShortContexts checks that contexts that end at any moment of a call do not end the connection.
func TestShortContexts(t *testing.T) {
	for _, scheme := range []string{"rtmp", "rtmps", "rtmpe", "rtmpt"} {
		t.Run(scheme, func(t *testing.T) {
			server := rtmptest.Server(t, testserver.Config{Scheme: scheme,
				Handlers: rtmptest.Echo})
			c := dialed(t, server.URL("app", ""), &Options{TLSConfig: testserver.ClientTLS(), BackgroundRead: true})
			random := rand.New(rand.NewPCG(10, uint64(len(scheme))))
			calls := 300
			if long() {
				calls = 50_000
			}
			ended := 0
			for range calls {
				ctx, cancel := context.WithTimeout(conntest.Context(t), time.Duration(20+random.IntN(200))*time.Microsecond)
				k, err := c.Call(ctx, "echo", strings.Repeat("x", 100))
				if err == nil {
					_, err = k.Result(ctx)
				}
				cancel()
				if err != nil {
					require.True(t, errors.Is(err, context.DeadlineExceeded), "%v", err)
					ended++
				}
				require.NoError(t, c.Err())
			}
			got, err := c.RemoteMethod("echo")(conntest.Context(t), "afterwards")
			require.NoError(t, err)
			assert.Equal(t, "afterwards", got)
			t.Logf("%d of %d calls ended early", ended, calls)
		})
	}
}

// TestShortContextsInFlight is like TestShortContexts, for calls that share writes and reads, while a stream is published.
func TestShortContextsInFlight(t *testing.T) {
	for _, scheme := range []string{"rtmp", "rtmps", "rtmpt"} {
		t.Run(scheme, func(t *testing.T) {
			server := rtmptest.Server(t, testserver.Config{Scheme: scheme, Handlers: rtmptest.Echo})
			c := dialed(t, server.URL("app", "stream"), &Options{Publish: true, TLSConfig: testserver.ClientTLS()})
			s, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
			require.NoError(t, err)
			var calling sync.WaitGroup
			var ended, answered atomic.Int32
			for caller := range 8 {
				random := rand.New(rand.NewPCG(11, uint64(caller)))
				calling.Go(func() {
					for n := range 50 {
						if caller == 0 {
							assert.NoError(t, s.WritePacket(&Packet{Type: message.TypeAudio, Timestamp: uint32(n), Body: []byte{0xAF, 1, 1}}))
						}
						ctx, cancel := context.WithTimeout(conntest.Context(t), time.Duration(20+random.IntN(180))*time.Microsecond)
						want := float64(caller*1000 + n)
						got, err := c.RemoteMethod("echo")(ctx, want)
						cancel()
						if err != nil {
							ended.Add(1)
							assert.ErrorIs(t, err, context.DeadlineExceeded)
							continue
						}
						answered.Add(1)
						assert.Equal(t, want, got)
					}
				})
			}
			calling.Wait()
			got, err := c.RemoteMethod("echo")(conntest.Context(t), "afterwards")
			require.NoError(t, err)
			require.Equal(t, "afterwards", got)
			require.NoError(t, c.Err())
			t.Logf("%d contexts have ended, %d calls were answered", ended.Load(), answered.Load())
		})
	}
}
