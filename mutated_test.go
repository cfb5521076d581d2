package rtmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func repetitions(usually int) int {
	if long() {
		return 100 * usually
	}
	return usually
}

// segment is what a server has said at once, after the client had said so much.
type segment struct {
	after int
	data  []byte
}

// tapeConn records what a server says, and after how much of the client's.
type tapeConn struct {
	net.Conn
	mu   *sync.Mutex
	sent *int
	tape *[]segment
}

func (c tapeConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.mu.Lock()
	*c.sent += n
	c.mu.Unlock()
	return n, err
}

func (c tapeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		t := *c.tape
		if len(t) > 0 && t[len(t)-1].after == *c.sent {
			t[len(t)-1].data = append(t[len(t)-1].data, b[:n]...)
		} else {
			*c.tape = append(t, segment{*c.sent, bytes.Clone(b[:n])})
		}
	}
	return n, err
}

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

// record plays a program against the test server and returns what the server has said.
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

// mutate damages a tape.
func mutate(r *rand.Rand, tape []segment) []segment {
	out := make([]segment, len(tape))
	for i, s := range tape {
		out[i] = segment{s.after, bytes.Clone(s.data)}
	}
	for range 1 + r.IntN(4) {
		// after the handshake more often than in it
		i := r.IntN(len(out))
		b := out[i].data
		if len(b) == 0 {
			continue
		}
		at := r.IntN(len(b))
		if r.IntN(2) == 0 && len(b) > 40 {
			at = r.IntN(40)
		}
		switch r.IntN(9) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b[at] = byte(r.Uint32())
		case 2:
			b[at] = [...]byte{0, 0xff, 0x7f, 0x80, 1, 2, 3, 0xc0, 0x40}[r.IntN(9)]
		case 3: // a length or number
			for k := at; k < min(at+3, len(b)); k++ {
				b[k] = [...]byte{0, 0xff, byte(r.Uint32())}[r.IntN(3)]
			}
		case 4: // cut out
			end := min(len(b), at+1+r.IntN(50))
			b = append(b[:at:at], b[end:]...)
		case 5: // twice
			end := min(len(b), at+1+r.IntN(300))
			b = slices.Concat(b[:end], b[at:])
		case 6: // insert
			x := make([]byte, 1+r.IntN(20))
			for k := range x {
				x[k] = byte(r.Uint32())
			}
			b = slices.Concat(b[:at], x, b[at:])
		case 7: // the end
			b = b[:at]
			out = out[:i+1]
		case 8: // swap segments
			j := r.IntN(len(out))
			out[i].data, out[j].data = out[j].data, out[i].data
			continue
		}
		out[i].data = b
	}
	return out
}

// tapeServer says what the tape holds to each client, in order of what they say.
func serveTape(nc net.Conn, tape []segment, reset bool) {
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(5 * time.Second))
	var got atomic.Int64
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		buf := make([]byte, 4096)
		for {
			n, err := nc.Read(buf)
			got.Add(int64(n))
			if err != nil {
				return
			}
		}
	}()
	for _, s := range tape {
		for wait := 0; got.Load() < int64(s.after) && wait < 20; wait++ {
			select {
			case <-gone:
				return
			case <-time.After(500 * time.Microsecond):
			}
		}
		if _, err := nc.Write(s.data); err != nil {
			return
		}
	}
	if reset {
		nc.(*net.TCPConn).SetLinger(0)
		return
	}
	<-gone
}

func rightlyTyped(err error) bool {
	return typed(err) || errors.Is(err, ErrStreamBacklog) || errors.Is(err, net.ErrClosed)
}

func TestMutatedSessions(t *testing.T) {
	n := repetitions(25)
	seed := uint64(1)
	if long() {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	for pi, prog := range programs() {
		tape := prog.record(t)
		total := 0
		for _, s := range tape {
			total += len(s.data)
		}
		var ran, ended, peak atomic.Int64
		var mu sync.Mutex
		kinds, seen := map[string]int{}, map[string]int{}
		var slow atomic.Int64
		before := runtime.NumGoroutine()
		logs := newStrict("SEKRET")
		work := make(chan int)
		var wg sync.WaitGroup
		for range 24 {
			wg.Go(func() {
				for i := range work {
					r := rand.New(rand.NewPCG(seed, uint64(pi*1_000_000+i)))
					l, err := net.Listen("tcp", "127.0.0.1:0")
					if err != nil {
						t.Error(err)
						return
					}
					var served sync.WaitGroup
					served.Go(func() {
						for {
							nc, err := l.Accept()
							if err != nil {
								return
							}
							m := mutateMessages
							if i%2 == 0 {
								m = mutate
							}
							damaged := m(r, tape)
							reset := r.IntN(2) == 0
							served.Go(func() { serveTape(nc, damaged, reset) })
						}
					})
					o := &Options{Timeout: 40 * time.Millisecond, NoEnhanced: i%8 != 0, MediaTimeout: 100 * time.Millisecond, Logger: slog.New(logs),
						Auth: "SEKRETa", Token: "SEKRETt", UsherToken: "SEKRETu", ConnectData: []any{"SEKRETc"}}
					began := time.Now()
					ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
					c, errs := prog.run(ctx, "rtmp://"+l.Addr().String()+"/app/sample?SEKRETq", o)
					cancel()
					if c != nil {
						closing := time.Now()
						err := c.Close()
						if d := time.Since(closing); d > 10*time.Second {
							t.Errorf("%s %d: Close took %v", prog.name, i, d)
						}
						if err != nil {
							errs = append(errs, err)
						}
					}
					if time.Since(began) > 15*time.Second {
						slow.Add(1)
						t.Errorf("%s %d: %v %v", prog.name, i, time.Since(began), errs)
					}
					l.Close()
					served.Wait()
					ran.Add(1)
					if len(errs) == 0 {
						ended.Add(1)
					}
					for _, err := range errs {
						mu.Lock()
						seen[fmt.Sprintf("%.60v", err)]++
						mu.Unlock()
						logs.look("error", err.Error())
						if !rightlyTyped(err) {
							mu.Lock()
							kinds[fmt.Sprintf("%T %.150v", err, err)]++
							mu.Unlock()
						}
						if len(err.Error()) > 1500 {
							t.Errorf("error of %d bytes", len(err.Error()))
						}
					}
					if i%50 == 0 {
						var m runtime.MemStats
						runtime.ReadMemStats(&m)
						if h := int64(m.HeapAlloc); h > peak.Load() {
							peak.Store(h)
						}
					}
				}
			})
		}
		for i := range n {
			work <- i
		}
		close(work)
		wg.Wait()
		t.Logf("%s: tape of %d bytes in %d segments, %d sessions, %d without error, peak heap %d MB, goroutines %d -> %d, slow %d",
			prog.name, total, len(tape), ran.Load(), ended.Load(), peak.Load()>>20, before, runtime.NumGoroutine(), slow.Load())
		for k, v := range logs.found {
			t.Errorf("log: %s: %d", k, v)
		}
		for k, v := range kinds {
			t.Errorf("untyped: %s: %d", k, v)
		}
	}
}
