package rtmp

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

type program struct {
	name string
	run  func(ctx context.Context, url string, o *Options) (*Conn, []error)
}

func programs() []program {
	ok := func(errs []error, err error) []error {
		if err != nil {
			return append(errs, err)
		}
		return errs
	}
	return []program{
		{"read", func(ctx context.Context, url string, o *Options) (*Conn, []error) {
			c, err := Dial(ctx, url, o)
			if err != nil {
				return nil, []error{err}
			}
			s, err := c.CreateStream(ctx, nil)
			if err != nil {
				return c, []error{err}
			}
			_, err = io.Copy(io.Discard, s)
			errs := ok(nil, err)
			errs = ok(errs, s.Pause(ctx))
			errs = ok(errs, s.Close())
			return c, errs
		}},
		{"readpacket", func(ctx context.Context, url string, o *Options) (*Conn, []error) {
			o.BackgroundRead = true
			c, err := Dial(ctx, url, o)
			if err != nil {
				return nil, []error{err}
			}
			s, err := c.CreateStream(ctx, nil)
			if err != nil {
				return c, []error{err}
			}
			var p Packet
			for {
				if err := s.ReadPacket(&p); err != nil {
					if err == io.EOF {
						return c, nil
					}
					return c, []error{err}
				}
			}
		}},
		{"rpc", func(ctx context.Context, url string, o *Options) (*Conn, []error) {
			o.Handlers = map[string]HandlerFunc{"back": func(ctx context.Context, args []any) (any, error) { return args, nil }}
			o.OnStatus = func(*Stream, *StatusError) {}
			c, err := Dial(ctx, url, o)
			if err != nil {
				return nil, []error{err}
			}
			var errs []error
			_, err = c.RemoteMethod("echo")(ctx, 1, "two", amf.Object{{Name: "three", Value: 3.0}})
			errs = ok(errs, err)
			so, err := c.SharedObject(ctx, "so", false)
			errs = ok(errs, err)
			if err == nil {
				so.Handle(func(SharedObjectEvent) {})
				errs = ok(errs, so.Set(ctx, "a", "b"))
				errs = ok(errs, so.Set(ctx, "n", 5.0))
				errs = ok(errs, so.Send(ctx, "hello", 1))
				errs = ok(errs, so.Delete(ctx, "a"))
				so.Properties()
				errs = ok(errs, so.Close())
			}
			k, err := c.Call(ctx, "echo", true)
			errs = ok(errs, err)
			if err == nil {
				_, err = k.Result(ctx)
				errs = ok(errs, err)
			}
			return c, errs
		}},
		{"publish", func(ctx context.Context, url string, o *Options) (*Conn, []error) {
			c, err := Dial(ctx, url, o)
			if err != nil {
				return nil, []error{err}
			}
			s, err := c.CreateStream(ctx, &StreamOptions{Writable: true})
			if err != nil {
				return c, []error{err}
			}
			var errs []error
			for i := range 20 {
				if err := s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: uint32(i), Body: make([]byte, 300)}); err != nil {
					errs = append(errs, err)
					break
				}
			}
			errs = ok(errs, s.Close())
			return c, errs
		}},
	}
}

// record runs a program against the test server, and returns what the server has sent.
func (p program) record(t *testing.T) []segment {
	s, err := testserver.Start(testserver.Config{
		Files: map[string][]byte{"sample": shortSample(t, 20_000)},
		Handlers: map[string]func(*testserver.Session, message.Command) (any, error){
			"echo": func(s *testserver.Session, cmd message.Command) (any, error) {
				s.Notify("back", 1, "x")
				s.Call("back", 2)
				return cmd.Args[0], nil
			}}})
	require.NoError(t, err)
	defer s.Close()
	var mu sync.Mutex
	var sent int
	var tape []segment
	o := &Options{Timeout: time.Second, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, addr)
		return tapeConn{nc, &mu, &sent, &tape}, err
	}}
	c, errs := p.run(context.Background(), s.URL("app", "sample"), o)
	require.Empty(t, errs)
	mu.Lock()
	defer mu.Unlock()
	cut := slices.Clone(tape)
	mu.Unlock()
	c.Close()
	mu.Lock()
	return cut
}
