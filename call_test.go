package rtmp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

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
		p.Conn.Write(first[:7]) // the message is still incomplete
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
	require.NoError(t, playsSent(t, s))
}

// TestCallWithoutReply checks that a call with NoReply has the transaction id 0, and that the Conn keeps no state for it.
func TestCallWithoutReply(t *testing.T) {
	calls := make(chan *message.Command, 2)
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		calls <- p.Expect("tell")
		p.Call(0, "_result", 0, nil, "unasked")
		p.Call(0, "told", 0, nil)
		calls <- p.Expect("ask")
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	k, err := c.CallWith(conntest.Context(t), CallOptions{NoReply: true, TransactionID: 44}, "tell", "you")
	require.NoError(t, err)
	result, err := k.Result(conntest.Context(t))
	require.NoError(t, err)
	require.Nil(t, result)
	require.Nil(t, k.Reply())
	require.Zero(t, k.TransactionID())
	require.Zero(t, c.client.Load().session.PendingCalls())
	tell := <-calls
	require.NotNil(t, tell)
	require.Zero(t, tell.TransactionID)
	require.Equal(t, []any{"you"}, tell.Args)
	_, err = c.WaitInvoke(conntest.Context(t), "told")
	require.NoError(t, err)

	k, err = c.Call(conntest.Context(t), "ask")
	require.NoError(t, err)
	ask := <-calls
	require.NotNil(t, ask)
	require.Equal(t, k.TransactionID(), ask.TransactionID)
	require.NoError(t, c.Close())
	_, err = k.Result(conntest.Context(t))
	require.Error(t, err)
}

func TestUnansweredCallsAreBounded(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	for range 1 << 16 {
		_, err := c.client.Load().session.NewCall("ask", 0)
		require.NoError(t, err)
	}
	_, err := c.Call(conntest.Context(t), "ask")
	require.ErrorContains(t, err, "65536 calls without an answer")
	_, err = c.CreateStream(conntest.Context(t), nil)
	require.ErrorContains(t, err, "without an answer")
	_, err = c.CallWith(conntest.Context(t), CallOptions{NoReply: true}, "tell")
	require.NoError(t, err)
	require.NoError(t, c.Err())
}

// TestObjectEncoding checks that connect offers ObjectEncoding 3, and that calls have type 17 if the server agrees, and otherwise type 20.
func TestObjectEncoding(t *testing.T) {
	for name, test := range map[string]struct {
		agreed float64
		want   message.Type
	}{"agreed": {3, message.TypeCommandAMF3}, "refused": {0, message.TypeCommandAMF0}} {
		t.Run(name, func(t *testing.T) {
			offered := make(chan any, 1)
			args := make(chan []any, 1)
			url := newPeer(t, func(p *peer) {
				cmd := p.Expect("connect")
				encoding, _ := cmd.Object.(amf.Object).Get("objectEncoding")
				offered <- encoding
				p.Call(0, "_result", cmd.TransactionID, nil, append(message.StatusObject("status", "NetConnection.Connect.Success", ""),
					amf.Property{Name: "objectEncoding", Value: test.agreed}))
				call, err := message.ParseCommand(test.want, p.ExpectType(test.want))
				if err != nil {
					return
				}
				args <- call.Args
				body, err := message.AppendCommand(nil, message.TypeCommandAMF3, &message.Command{Name: "_result",
					TransactionID: call.TransactionID, Args: []any{amf.AVMPlus{Value: amf.ByteArray("bytes")}}})
				if err != nil {
					return
				}
				p.Media(message.TypeCommandAMF3, 0, body)
				p.UntilGone()
			})
			c := dialed(t, url, &Options{ObjectEncoding: 3})
			assert.Equal(t, 3.0, <-offered)
			k, err := c.Call(conntest.Context(t), "f", 1, amf.AVMPlus{Value: amf.Vector[int32]{Items: []int32{1, 2}}})
			require.NoError(t, err)
			var got []byte
			require.NoError(t, k.Decode(conntest.Context(t), &got))
			assert.Equal(t, "bytes", string(got))
			assert.Equal(t, 1.0, (<-args)[0])
		})
	}
}

// TestUnreadableAnswer checks that a call whose answer can't be decoded fails at once, without ending the connection, and that garbage
// after the result is ignored.
func TestUnreadableAnswer(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		for _, rest := range [][]byte{amfValues(nil, "good"), amfValues(nil), {}} {
			if cmd := p.Expect("ask"); cmd != nil {
				p.Control(message.TypeCommandAMF0, rawCommand("_result", append(append(amfValues(cmd.TransactionID), rest...), 0x99)...))
			}
		}
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	ask := c.RemoteMethod("ask")
	result, err := ask(conntest.Context(t))
	require.NoError(t, err)
	require.Equal(t, "good", result)
	for range 2 {
		_, err = ask(conntest.Context(t))
		var bad *ProtocolError
		require.ErrorAs(t, err, &bad)
		require.ErrorContains(t, err, "answer to ask: ")
	}
	require.NoError(t, c.Err())
}

func echoServer(t testing.TB) *testserver.Server {
	t.Helper()
	s := rtmptest.Server(t, testserver.Config{Handlers: rtmptest.Echo})
	return s
}

// TestManyCallsWithCancellation makes many calls from each of 64 goroutines, and cancels some waits at random moments. Every other
// answer must reach its caller, and the connection must work afterwards.
func TestManyCallsWithCancellation(t *testing.T) {
	const callers = 64
	each := 200
	if long() {
		each = 2000
	}
	c := dialed(t, echoServer(t).URL("app", ""), nil)
	var calling sync.WaitGroup
	var mu sync.Mutex
	cancelled := 0
	for caller := range callers {
		random := rand.New(rand.NewPCG(1, uint64(caller)))
		calling.Go(func() {
			for n := range each {
				want := float64(caller*each + n)
				k, err := c.Call(context.Background(), "echo", want)
				if !assert.NoError(t, err) {
					return
				}
				ctx, cancel := context.WithCancel(context.Background())
				if random.IntN(4) == 0 {
					if random.IntN(2) == 0 {
						cancel()
					} else {
						go cancel()
					}
				}
				got, err := k.Result(ctx)
				cancel()
				if errors.Is(err, context.Canceled) {
					mu.Lock()
					cancelled++
					mu.Unlock()
					if random.IntN(2) == 0 { // another caller can still wait
						got, err = k.Result(context.Background())
					} else {
						continue
					}
				}
				if !assert.NoError(t, err) || !assert.Equal(t, want, got) {
					return
				}
			}
		})
	}
	calling.Wait()
	assert.Positive(t, cancelled)
	got, err := c.RemoteMethod("echo")(conntest.Context(t), "afterwards")
	require.NoError(t, err)
	assert.Equal(t, "afterwards", got)
	assert.Zero(t, c.client.Load().session.PendingCalls(), "every answer was taken")
}

// BenchmarkCall measures calls made one at a time, and an exchange of as many bytes on a bare connection.
func BenchmarkCall(b *testing.B) {
	b.Run("call", func(b *testing.B) {
		c, err := Dial(b.Context(), echoServer(b).URL("app", ""), nil)
		require.NoError(b, err)
		defer c.Close()
		echo := c.RemoteMethod("echo")
		b.ReportAllocs()
		for b.Loop() {
			if _, err := echo(b.Context(), 1.0); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		defer l.Close()
		const request, answer = 41, 44 // sizes of the messages above in bytes
		go func() {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			defer nc.Close()
			in, out := bufio.NewReader(nc), make([]byte, answer)
			for {
				if _, err := io.ReadFull(in, make([]byte, request)); err != nil {
					return
				}
				nc.Write(out)
			}
		}()
		nc, err := net.Dial("tcp", l.Addr().String())
		require.NoError(b, err)
		defer nc.Close()
		in, out, back := bufio.NewReader(nc), make([]byte, request), make([]byte, answer)
		b.ReportAllocs()
		for b.Loop() {
			nc.Write(out)
			if _, err := io.ReadFull(in, back); err != nil {
				b.Fatal(fmt.Errorf("bare: %w", err))
			}
		}
	})
}
