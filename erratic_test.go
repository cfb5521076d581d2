package rtmp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
)

// erratic is a distant server that answers requests at random: rightly, wrongly, late, several times, slowly, unasked or not at all.
type erratic struct {
	*distant
	visits sync.WaitGroup
	open   atomic.Int32 // connections that the client has not closed
	dials  atomic.Int32

	mu     sync.Mutex // guards random
	random *rand.Rand
}

func newErratic(random *rand.Rand) *erratic {
	e := &erratic{distant: newDistant(), random: random}
	e.visits.Go(func() {
		for {
			nc, err := e.Accept()
			if err != nil {
				return
			}
			e.dials.Add(1)
			e.open.Add(1)
			e.visits.Go(func() {
				defer e.open.Add(-1)
				defer nc.Close()
				e.visit(nc)
				io.Copy(io.Discard, nc) // until the client closes the connection
			})
		}
	})
	return e
}

func (e *erratic) close() {
	e.distant.Close()
	e.visits.Wait()
}

// chance returns true once in n times.
func (e *erratic) chance(n int) bool { return e.pick(n) == 0 }

func (e *erratic) pick(n int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.random.IntN(n)
}

func (e *erratic) visit(nc net.Conn) {
	switch e.pick(30) {
	case 0:
		return
	case 1:
		nc.Write(make([]byte, 700))
		return
	case 2:
		nc.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		nc.Close()
		return
	}
	if _, err := handshake.Server(nc, handshake.Config{}); err != nil {
		return
	}
	g := &erraticConn{Peer: peertest.New(nc), e: e, writes: make(chan func(), 1000)}
	done := make(chan struct{})
	e.visits.Go(func() {
		for {
			select {
			case write := <-g.writes:
				write()
			case <-done:
				return
			}
		}
	})
	defer close(done)
	for {
		p, err := g.Next()
		if err != nil {
			return
		}
		if p.Type == message.TypeCommandAMF0 {
			if cmd, err := message.ParseCommand(p.Type, p.Body); err == nil && !g.react(&cmd, p.StreamID) {
				nc.Close()
				return
			}
		}
	}
}

// erraticConn is a connection to an erratic server.
type erraticConn struct {
	*peertest.Peer
	e      *erratic
	writes chan func() // run one after the other
}

// send sends messages at once, late, or a byte every second.
func (g *erraticConn) send(messages ...chunk.Outgoing) {
	how := g.e.pick(12)
	write := func() {
		b := g.Encode(messages...)
		for len(b) > 0 {
			n := len(b)
			if how == 0 {
				n = 1
				time.Sleep(time.Second)
			}
			if _, err := g.Conn.Write(b[:n]); err != nil {
				return
			}
			b = b[n:]
		}
	}
	queue := func() {
		select {
		case g.writes <- write:
		default:
		}
	}
	if how == 1 {
		time.AfterFunc(time.Duration(g.e.pick(40_000))*time.Millisecond, queue)
		return
	}
	queue()
}

var oddNumbers = []float64{0, 1, 2, 3, 5, 1<<32 - 1, 1 << 32, -1, 0.5, math.NaN(), math.Inf(1), 1e300}

// react reacts to a command, and reports whether to continue.
func (g *erraticConn) react(cmd *message.Command, id uint32) bool {
	e := g.e
	if e.chance(40) {
		return false
	}
	if e.chance(6) {
		g.send(g.unasked())
	}
	if e.chance(12) {
		return true
	}
	transaction := cmd.TransactionID
	if e.chance(10) {
		transaction = []float64{transaction + 1, transaction - 1, oddNumbers[e.pick(len(oddNumbers))]}[e.pick(3)]
	}
	answer := g.answer(cmd, transaction, id)
	g.send(answer...)
	if e.chance(10) {
		g.send(answer...)
	}
	return true
}

// answer returns an answer to a command.
func (g *erraticConn) answer(cmd *message.Command, transaction float64, id uint32) []chunk.Outgoing {
	e := g.e
	if e.chance(12) {
		return []chunk.Outgoing{peertest.Command(0, "_error", transaction, nil, e.refusal())}
	}
	switch cmd.Name {
	case "connect":
		info := message.StatusObject("status", message.CodeConnectSuccess, "welcome")
		if e.chance(4) {
			info = append(info, amf.Property{Name: "secureToken", Value: "0123456789abcdef"})
		}
		return []chunk.Outgoing{peertest.Command(0, "_result", transaction, nil, info)}
	case "createStream":
		result := any(1.0)
		if e.chance(3) {
			result = []any{oddNumbers[e.pick(len(oddNumbers))], "1", nil, amf.Object{}}[e.pick(4)]
		}
		return []chunk.Outgoing{peertest.Command(0, "_result", transaction, nil, result)}
	case "play", "publish":
		if e.chance(4) {
			id = uint32(e.pick(4))
		}
		code := map[string]string{"play": message.CodePlayStart, "publish": message.CodePublishStart}[cmd.Name]
		if e.chance(4) {
			code = e.code()
		}
		return append([]chunk.Outgoing{peertest.Command(id, "onStatus", 0, nil, message.StatusObject(e.level(), code, "here"))}, e.media(id)...)
	}
	return []chunk.Outgoing{peertest.Command(id, "_result", transaction, nil, nil)}
}

func (e *erratic) level() string {
	return []string{"status", "status", "status", "error", "warning", ""}[e.pick(6)]
}

func (e *erratic) code() string {
	codes := []string{message.CodePlayStart, message.CodePlayStop, message.CodePlayReset, message.CodePlayStreamNotFound, message.CodePublishBadName,
		message.CodeConnectRejected, message.CodeFailed, message.CodePlayUnpublishNotify, message.CodeConnectReconnectRequest, "Nonsense"}
	return codes[e.pick(len(codes))]
}

// refusal returns the information object of an _error, which may ask for a password, or name another server.
func (e *erratic) refusal() amf.Object {
	descriptions := []string{"no", "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] :",
		"[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=me&salt=S&challenge=C&opaque=O",
		"[ AccessManager.Reject ] : [ authmod=llnw ] : ?reason=needauth&user=me&nonce=N",
		"[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed&opaque=O"}
	if e.chance(2) {
		to := []string{"rtmp://192.0.2.1/app", "rtmp://192.0.2.2:1/other", "rtmp://127.0.0.1/app", "rtmps://192.0.2.1/app", "/app", "\x00"}[e.pick(6)]
		return redirection302(to)
	}
	return message.StatusObject("error", message.CodeConnectRejected, descriptions[e.pick(len(descriptions))])
}

// media returns some media.
func (e *erratic) media(id uint32) (all []chunk.Outgoing) {
	for i := range e.pick(5) {
		all = append(all, chunk.Outgoing{Type: []uint8{8, 9, 18, 22, 77}[e.pick(5)], ChunkStreamID: 6, StreamID: id, Timestamp: uint32(i * 40),
			Body: make([]byte, e.pick(3000))})
	}
	return all
}

// unasked returns a message that the client has not asked for.
func (g *erraticConn) unasked() chunk.Outgoing {
	e := g.e
	number := binary.BigEndian.AppendUint32(nil, uint32(oddNumbers[e.pick(7)]))
	switch e.pick(8) {
	case 0:
		return peertest.Command(0, "_result", float64(1+e.pick(6)), nil, float64(e.pick(3)))
	case 1:
		return peertest.Command(uint32(e.pick(3)), "onStatus", 0, nil, message.StatusObject(e.level(), e.code(), "unasked"))
	case 2:
		return peertest.Control(message.TypeWindowAckSize, number)
	case 3:
		return peertest.Control(message.TypeAbort, number)
	case 4:
		return peertest.Event(message.EventPingRequest, 7)
	case 5:
		return peertest.Event([]message.Event{message.EventStreamEOF, message.EventStreamBegin, message.EventSWFVerifyRequest}[e.pick(3)], uint32(e.pick(3)))
	case 6:
		return peertest.Command(0, []string{"onBWDone", "_onbwcheck", "ping", "close", "onFCUnsubscribe", "nonsense"}[e.pick(6)], float64(e.pick(9)), nil)
	default:
		return chunk.Outgoing{Type: []uint8{20, 17, 18, 4, 6}[e.pick(5)], ChunkStreamID: 3, Body: make([]byte, e.pick(20))}
	}
}

// TestErraticServers checks that Connect, CreateStream, reading, writing and Close end in time, with errors of known types, whatever a
// server answers and whenever the caller loses patience, and that the client leaves neither connections nor goroutines.
func TestErraticServers(t *testing.T) {
	seed := randomSeed(t)
	for i := range repetitions(400) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			e := newErratic(random)
			defer e.close()
			o := &Options{DialContext: e.dial, Timeout: 5 * time.Second, Pipelining: Pipelining(e.pick(3)), NoEnhanced: e.chance(2),
				BackgroundRead: e.chance(2), Publish: e.chance(3), Live: e.chance(2), SendQueue: e.pick(2) << 20, MaxQueue: 10_000}
			if e.chance(3) {
				o.MaxRedirects = 3
			}
			if e.chance(3) {
				o.PublishUser, o.PublishPassword = "me", "word"
			}
			if e.chance(4) {
				o.Token = "token"
			}
			patience := time.Hour
			if e.chance(2) {
				patience = time.Duration(e.pick(20_000)) * time.Millisecond
			}
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			for what, err := range useErratic(ctx, e, o) {
				if err != nil && err != io.EOF && !rightlyTyped(err) && ctx.Err() == nil {
					assert.NoError(t, err, "%s, number %d: %T", what, i, err)
				}
			}
			assert.Less(t, time.Since(began), 15*time.Minute, "number %d", i)
			time.Sleep(time.Second) // for connections that were given up
			assert.Zero(t, e.open.Load(), "number %d: connections", i)
			assert.LessOrEqual(t, e.dials.Load(), int32(2*(1+3)*(1+2)+4), "number %d", i)
		})
		if t.Failed() {
			return
		}
	}
}

// useErratic connects to an erratic server, and uses streams and a call as far as the server allows. It returns the error of each operation
// by the operation's name.
func useErratic(ctx context.Context, e *erratic, o *Options) map[string]error {
	errs := make(map[string]error)
	c, err := Dial(ctx, "rtmp://192.0.2.1/app/name", o)
	if errs["Dial"] = err; err != nil {
		return errs
	}
	defer func() {
		began := time.Now()
		errs["Close"] = c.Close()
		if took := time.Since(began); took > o.Timeout+2*time.Second {
			errs["Close"] = fmt.Errorf("it has taken %v", took)
		}
	}()
	for n := range 1 + e.pick(2) {
		s, err := c.CreateStream(ctx, &StreamOptions{Writable: o.publishes()})
		errs[fmt.Sprint("CreateStream ", n)] = err
		if err != nil {
			continue
		}
		if o.publishes() {
			err = s.WritePacket(&Packet{Type: message.TypeVideo, Body: make([]byte, 1000)})
		} else {
			_, err = io.CopyN(io.Discard, readWithin(s, 10*time.Second), 5000)
		}
		errs[fmt.Sprint("use ", n)] = err
		if e.chance(2) {
			errs[fmt.Sprint("Stream.Close ", n)] = s.Close()
		}
	}
	_, err = c.RemoteMethod("echo")(ctx, 1.0)
	errs["call"] = err
	if errors.Is(err, ErrStreamBacklog) {
		errs["call"] = nil
	}
	return errs
}

// readWithin returns s with a deadline.
func readWithin(s *Stream, d time.Duration) io.Reader {
	s.SetReadDeadline(time.Now().Add(d))
	return s
}
