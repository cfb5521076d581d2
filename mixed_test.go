package rtmp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// mixed is a Conn whose methods are called concurrently until the Conn ends.
type mixed struct {
	*Conn
	life    context.Context
	note    func(what string, err error)
	workers sync.WaitGroup
}

func (m *mixed) work(f func()) {
	m.workers.Go(func() {
		for m.life.Err() == nil && m.Err() == nil {
			f()
		}
	})
}

func (m *mixed) short() (context.Context, context.CancelFunc) {
	return context.WithTimeout(m.life, time.Duration(20+rand.IntN(3000))*time.Microsecond)
}

func (m *mixed) play() {
	ctx, cancel := m.short()
	if rand.IntN(2) == 0 {
		cancel()
		ctx, cancel = context.WithTimeout(m.life, time.Second)
	}
	s, err := m.CreateStream(ctx, nil)
	cancel()
	m.note("CreateStream", err)
	if err != nil {
		return
	}
	var inner sync.WaitGroup
	inner.Go(func() { m.read(s) })
	inner.Go(func() { m.control(s) })
	if rand.IntN(2) == 0 {
		inner.Wait()
	} else {
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
	}
	m.note("Stream.Close", s.Close())
	inner.Wait()
}

func (m *mixed) read(s *Stream) {
	buf := make([]byte, 1+rand.IntN(5000))
	for range rand.IntN(50) {
		s.SetReadDeadline(time.Now().Add(time.Duration(rand.IntN(2000)) * time.Microsecond))
		_, err := s.Read(buf)
		m.note("Read", err)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
	}
}

func (m *mixed) control(s *Stream) {
	for range rand.IntN(4) {
		ctx, cancel := m.short()
		switch rand.IntN(4) {
		case 0:
			m.note("Pause", s.Pause(ctx))
		case 1:
			m.note("Unpause", s.Unpause(ctx))
		case 2:
			m.note("Seek", s.Seek(ctx, time.Duration(rand.IntN(3000))*time.Millisecond))
		case 3:
			m.note("UpdateBuffer", s.UpdateBuffer(ctx, time.Second))
		}
		cancel()
	}
}

func (m *mixed) call(t *testing.T) {
	ctx, cancel := m.short()
	defer cancel()
	k, err := m.Call(ctx, "echo", 7.0)
	m.note("Call", err)
	if err == nil {
		v, err := k.Result(ctx)
		m.note("Result", err)
		if err == nil {
			assert.Equal(t, 7.0, v)
		}
	}
	time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
}

func (m *mixed) publish(name string) {
	s, err := m.CreateStream(m.life, &StreamOptions{Name: name, Writable: true})
	m.note("publish", err)
	if err != nil {
		time.Sleep(time.Millisecond)
		return
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		for j := range uint32(50) {
			if rand.IntN(10) == 0 {
				s.SetWriteDeadline(time.Now().Add(time.Duration(50+rand.IntN(2000)) * time.Microsecond))
			}
			err := s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: j, Body: make([]byte, 1+rand.IntN(3000))})
			m.note("WritePacket", err)
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
		}
	})
	if rand.IntN(2) == 0 {
		writing.Wait()
	}
	m.note("Stream.Close of a publisher", s.Close())
	writing.Wait()
}

func (m *mixed) share() {
	so, err := m.SharedObject(m.life, "so", false)
	m.note("SharedObject", err)
	if err != nil {
		time.Sleep(time.Millisecond)
		return
	}
	so.Handle(func(SharedObjectEvent) {})
	ctx, cancel := m.short()
	m.note("Set", so.Set(ctx, "x", rand.IntN(10)))
	cancel()
	m.note("SharedObject.Close", so.Close())
}

func (m *mixed) readPacket() {
	ctx, cancel := m.short()
	defer cancel()
	var p Packet
	if m.ReadPacket(ctx, &p) == nil {
		m.note("HandlePacket", m.HandlePacket(ctx, &p))
	}
	time.Sleep(time.Millisecond)
}

// mix uses every method of one Conn, and closes it at a random moment.
func mix(t *testing.T, url string, i int, r *rand.Rand, note func(what string, err error)) {
	o := &Options{TLSConfig: testserver.ClientTLS(), Timeout: patience, BackgroundRead: r.IntN(2) == 0, SendQueue: r.IntN(2) * 100_000,
		MaxQueue: []int{0, 5000, 100_000}[r.IntN(3)], OnStatus: func(*Stream, *StatusError) {}}
	c, err := Dial(context.Background(), url, o)
	if err != nil {
		t.Error(err)
		return
	}
	c.InvokeHandler("back", func(ctx context.Context, args []any) (any, error) {
		if rand.IntN(20) == 0 {
			c.Stats()
		}
		return args, nil
	})
	life, end := context.WithCancel(context.Background())
	m := &mixed{Conn: c, life: life, note: note}
	m.work(m.play)
	m.work(func() { m.call(t) })
	if i%2 == 0 {
		m.work(func() { m.publish(fmt.Sprintf("pub%d", i)) })
	}
	m.work(m.share)
	if r.IntN(3) == 0 {
		m.work(m.readPacket)
	}
	time.Sleep(time.Duration(r.IntN(150)) * time.Millisecond)
	assert.NoError(t, c.Err(), "%s died by itself", url)
	began := time.Now()
	if r.IntN(2) == 0 {
		go c.Close()
	}
	note("Conn.Close", c.Close())
	assert.Less(t, time.Since(began), o.Timeout+5*time.Second, "%s: Close", url)
	end()
	stopped := make(chan struct{})
	go func() { m.workers.Wait(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(patience):
		buf := make([]byte, 1<<20)
		t.Errorf("%s: stuck\n%s", url, buf[:runtime.Stack(buf, true)])
	}
}

func TestMixedConcurrency(t *testing.T) {
	n, seed := repetitions(24), randomSeed(t)
	urls := map[string]string{}
	for _, scheme := range sixSchemes {
		urls[scheme] = rtmptest.Server(t, testserver.Config{Scheme: scheme, Files: map[string][]byte{"sample": shortSample(t, 60_000)},
			Handlers: map[string]func(*testserver.Session, message.Command) (any, error){
				"echo": func(s *testserver.Session, cmd message.Command) (any, error) {
					s.Call("back", cmd.Args[0])
					return cmd.Args[0], nil
				}}}).URL("app", "sample")
	}
	var ops atomic.Int64
	var mu sync.Mutex
	bad := map[string]int{}
	note := func(what string, err error) {
		ops.Add(1)
		if err == nil || err == io.EOF || rightlyTyped(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return
		}
		mu.Lock()
		bad[fmt.Sprintf("%s: %T %.200v", what, err, err)]++
		mu.Unlock()
	}
	var all sync.WaitGroup
	gate := make(chan struct{}, 8)
	for i := range n {
		gate <- struct{}{}
		all.Go(func() {
			defer func() { <-gate }()
			mix(t, urls[sixSchemes[i%6]], i, rand.New(rand.NewPCG(seed, uint64(i))), note)
		})
	}
	all.Wait()
	t.Logf("%d connections, %d operations", n, ops.Load())
	assert.Empty(t, bad, "errors of no known type, and how often")
}
