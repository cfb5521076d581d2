package rtmp

import (
	"bytes"
	"context"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// For the race detector.
func TestSetOptionBesideSetupURL(t *testing.T) {
	c, err := New("rtmp://h/a/p", nil)
	require.NoError(t, err)
	var all sync.WaitGroup
	for _, f := range []func() error{
		func() error { return c.SetOption("live", "1") },
		func() error { return c.SetOption("conn", "S:x") },
		func() error { return c.SetupURL("rtmp://other/b/q conn=Z:") },
		func() error { return c.SetupURL("rtmp://h/a/p start=1") },
	} {
		all.Go(func() {
			for range 100 {
				if err := f(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.Len(t, c.setup.items.list(), 200, "nothing is lost")
}

// Connect decides once and for all: options are set before, or not at all.
func TestSetOptionBesideConnect(t *testing.T) {
	for range 50 {
		c, err := New("rtmp://h/a/p", &Options{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, net.ErrClosed
		}})
		require.NoError(t, err)
		var all sync.WaitGroup
		all.Go(func() { c.Connect(t.Context()) })
		all.Go(func() { c.SetOption("swfVfy", "0") })
		all.Go(func() { c.SetupURL("rtmp://h/a/p timeout=3") })
		all.Wait()
		c.Close()
	}
}

// A SetupURL that fails leaves the objects of conn= as they were, those that are still open too.
func TestSetupURLThatFailsLeavesOpenObjects(t *testing.T) {
	c, err := New("rtmp://h/a/p conn=O:1 conn=NS:a:b", nil)
	require.NoError(t, err)
	require.Error(t, c.SetupURL("rtmp://h/a/p conn=NS:leaked:x conn=NO:deeper:1 buffer=never"))
	require.NoError(t, c.SetOption("conn", "NN:n:1"))
	require.NoError(t, c.SetOption("conn", "O:0"))
	require.Error(t, c.SetOption("conn", "O:0"), "nothing is open any more")
	require.Equal(t, []any{amf.Object{{Name: "a", Value: "b"}, {Name: "n", Value: 1.0}}}, c.setup.items.list())
}

// For the race detector: a connection may end while a request is being made.
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
			c.Close,
		} {
			all.Go(func() { f() })
		}
		all.Wait()
	}
}

// A Close that comes before Connect has begun to dial ends it all the same.
func TestCloseJustBeforeDialling(t *testing.T) {
	c, err := New("rtmp://h/a/p", &Options{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	require.NoError(t, err)
	k, err := c.connector()
	require.NoError(t, err)
	require.NoError(t, c.Close())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = k.try(ctx, 1, chunk.Outgoing{})
	require.ErrorIs(t, err, net.ErrClosed)
	require.NoError(t, ctx.Err(), "it did not wait")
}

// The file header is not made up while nothing but metadata has come.
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

// More metadata than is kept waiting makes a header that announces both kinds: nothing is known, and players look for what is
// announced.
func TestFileHeaderAfterMuchMetadata(t *testing.T) {
	o := flvOut{dst: make([]byte, 1<<20)}
	body := append(append([]byte{}, onMetaDataPrefix...), make([]byte, 128<<10)...)
	o.take(&session.Message{Packet: Packet{Type: message.TypeDataAMF0, Body: body}})
	header, err := flv.NewReader(bytes.NewReader(o.dst[:o.n])).Header()
	require.NoError(t, err)
	require.Equal(t, flv.FileHeader{HasAudio: true, HasVideo: true}, header)
}
