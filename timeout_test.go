package rtmp

import (
	"context"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
)

// piped returns a client that is connected to a scripted server through a pipe, for synctest bubbles.
func piped(t *testing.T, o Options, script func(p *peer)) (context.Context, *Conn) {
	t.Helper()
	o.DialContext, _ = peertest.Dialer(t, onPeers([]func(p *peer){script})...)
	c, err := New("rtmp://server/app/play", &o)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return t.Context(), c
}

// pipedPublisher is like piped, but also publishes a stream. script is what the server does after it has accepted the stream. The pipe has
// no buffer: a write returns when its bytes have been read.
func pipedPublisher(t *testing.T, o Options, script func(p *peer)) (*Conn, *Stream) {
	t.Helper()
	ctx, c := piped(t, o, func(p *peer) {
		p.AcceptPublisher()
		script(p)
	})
	_, err := c.Connect(ctx)
	require.NoError(t, err)
	s, err := c.CreateStream(ctx, &StreamOptions{Writable: true})
	require.NoError(t, err)
	return c, s
}

// pipedDeaf is like pipedPublisher, with a server that reads nothing.
func pipedDeaf(t *testing.T, o Options) (*Conn, *Stream) {
	t.Helper()
	over := make(chan struct{})
	c, s := pipedPublisher(t, o, func(*peer) { <-over })
	t.Cleanup(func() { close(over) })
	return c, s
}

func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func elapsed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// discard reads what the client sends, which would otherwise block on a pipe.
func (p *peer) discard() { go io.Copy(io.Discard, p.Conn) }

func TestTimeoutsToTheMoment(t *testing.T) {
	t.Run("handshake", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			defer server.Close()
			c, err := New("rtmp://server/app/play", &Options{
				DialContext: func(context.Context, string, string) (net.Conn, error) { return client, nil }})
			require.NoError(t, err)
			defer c.Close()
			go io.Copy(io.Discard, server)
			assert.Equal(t, 30*time.Second, elapsed(func() { _, err = c.Connect(t.Context()) }))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		})
	})
	t.Run("an answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, c := piped(t, Options{Timeout: 7 * time.Second}, (*peer).UntilGone)
			k, err := c.Connect(ctx)
			require.NoError(t, err)
			assert.Equal(t, 7*time.Second, elapsed(func() { _, err = k.Result(ctx) }))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			shorter, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			assert.Equal(t, time.Second, elapsed(func() { _, err = k.Result(shorter) }))
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	})
	// The deadline of a socket rarely changes, but a read must end exactly Timeout after the last byte.
	t.Run("read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, c := piped(t, Options{Timeout: 10 * time.Second}, func(p *peer) {
				p.AcceptPlayer()
				p.discard()
				for i := range 5 {
					time.Sleep(9 * time.Second)
					p.Media(message.TypeAudio, uint32(9000*i), []byte{0xAF, 1})
				}
				time.Sleep(time.Hour)
			})
			_, err := c.Connect(ctx)
			require.NoError(t, err)
			s, err := c.CreateStream(ctx, nil)
			require.NoError(t, err)
			var packet Packet
			for range 5 {
				require.NoError(t, s.ReadPacket(&packet))
			}
			assert.Equal(t, 10*time.Second, elapsed(func() { err = s.ReadPacket(&packet) }))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			require.NoError(t, s.SetReadDeadline(time.Now().Add(3*time.Second)))
			assert.Equal(t, 3*time.Second, elapsed(func() { err = s.ReadPacket(&packet) }))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			require.NoError(t, s.SetReadDeadline(time.Time{}))
			assert.Equal(t, 10*time.Second, elapsed(func() { err = s.ReadPacket(&packet) }))
			require.NoError(t, c.Err())
		})
	})
	ping := Packet{Type: message.TypeUserControl, Body: []byte{0, 6, 0, 0, 0, 0}}
	for name, write := range map[string]func(ctx context.Context, c *Conn) error{
		"write": func(ctx context.Context, c *Conn) error { return c.SendPacket(ctx, &ping) },
		"a write that another does": func(ctx context.Context, c *Conn) error {
			go c.SendPacket(ctx, &ping)
			synctest.Wait()
			k, err := c.Call(ctx, "anything")
			require.NoError(t, err)
			_, err = k.Result(ctx)
			<-c.Done() // the Conn ends at the same moment
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, c := piped(t, Options{Timeout: 4 * time.Second}, func(p *peer) {
					p.AcceptConnect()
					time.Sleep(time.Hour) // the server reads nothing more
				})
				k, err := c.Connect(ctx)
				require.NoError(t, err)
				_, err = k.Result(ctx)
				require.NoError(t, err)
				assert.Equal(t, 4*time.Second, elapsed(func() { err = write(ctx, c) }))
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				require.ErrorIs(t, c.Err(), os.ErrDeadlineExceeded)
			})
		})
	}
	t.Run("none for who waits for nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, c := piped(t, Options{Timeout: time.Second, BackgroundRead: true}, func(p *peer) {
				p.AcceptConnect()
				p.discard()
				time.Sleep(24 * time.Hour)
				p.Call(0, "hello", 0, nil)
				time.Sleep(time.Minute)
			})
			called := make(chan struct{})
			c.InvokeHandler("hello", func(context.Context, []any) (any, error) { close(called); return nil, nil })
			_, err := c.Connect(ctx)
			require.NoError(t, err)
			assert.Equal(t, 24*time.Hour, elapsed(func() { <-called }))
			require.NoError(t, c.Err())
		})
	})
}

func TestTimeouts(t *testing.T) {
	short := &Options{Timeout: 200 * time.Millisecond}
	t.Run("handshake", func(t *testing.T) {
		l := conntest.Listen(t) // a server that accepts connections and sends nothing
		_, err := Dial(conntest.Context(t), "rtmp://"+l.Addr().String()+"/a/p", &Options{Timeout: short.Timeout,
			DialContext: func(_ context.Context, network, addr string) (net.Conn, error) { return net.Dial(network, addr) }})
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
	inBubble(t, "connect", func(t *testing.T) {
		_, _, err := dialPiped(t, t.Context(), Options{Timeout: short.Timeout, NoEnhanced: true}, (*peer).UntilGone)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.ErrorContains(t, err, "connect")
	})
	inBubble(t, "read, and the connection lives", func(t *testing.T) {
		again := make(chan struct{})
		ctx, c := piped(t, *short, func(p *peer) {
			p.AcceptPlayer()
			p.discard()
			<-again
			p.sendMedia()
			p.Status("NetStream.Play.Stop")
		})
		_, err := c.Connect(ctx)
		require.NoError(t, err)
		s, err := c.CreateStream(ctx, nil)
		require.NoError(t, err)
		_, err = s.Read(make([]byte, 10))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		close(again)
		require.NoError(t, playsSent(t, s))
	})
}
