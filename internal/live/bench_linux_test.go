package live_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

// patient is a Sink that supports only Write, like Sinks for TLS.
type patient struct{ *socket }

func (patient) TryWrite([][]byte) (ok, ready bool) { return false, false }

const drainEnv = "LIVE_TEST_DRAIN" // makes this test binary run the players; contains an address and a number of connections

// drain opens connections, and makes the kernel discard the bytes that arrive.
func drain(addr string, n int) {
	var wg sync.WaitGroup
	unwritten := make([]byte, 1<<20) // with MSG_TRUNC, the kernel discards at most as many bytes as the buffer is long
	for range n {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		raw, _ := conn.(*net.TCPConn).SyscallConn()
		wg.Go(func() {
			for over := false; !over; {
				err := raw.Read(func(fd uintptr) bool {
					n, _, err := syscall.Recvfrom(int(fd), unwritten, syscall.MSG_TRUNC)
					over = err == nil && n == 0 || err != nil && err != syscall.EAGAIN
					return err != syscall.EAGAIN
				})
				over = over || err != nil
			}
		})
	}
	wg.Wait()
}

// players returns n connections to another process that reads them.
func players(b *testing.B, n int) []*net.TCPConn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer l.Close()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), drainEnv+"="+l.Addr().String(), "LIVE_TEST_COUNT="+strconv.Itoa(n))
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	require.NoError(b, err)
	require.NoError(b, child.Start())
	conns := make([]*net.TCPConn, n)
	for i := range conns {
		conn, err := l.Accept()
		require.NoError(b, err)
		conns[i] = conn.(*net.TCPConn)
	}
	b.Cleanup(func() {
		for _, c := range conns {
			c.Close()
		}
		stdin.Close()
		child.Wait()
	})
	return conns
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fan is one of the ways to send messages to many players.
type fan struct {
	name  string
	taken atomic.Int64 // bytes accepted by all sockets
	send  func(flv.Tag)
	stop  func()
	cpu   time.Duration
}

// deliver sends a message and waits until every socket has accepted it.
func (f *fan) deliver(t flv.Tag, players int) {
	before := cpuTime()
	f.send(t)
	for f.taken.Load() < int64(players*(12+len(t.Body))) {
		time.Sleep(20 * time.Microsecond)
	}
	f.taken.Store(0)
	f.cpu += cpuTime() - before
}

// rawFan is a plain loop that writes to one player after the other. It uses as many goroutines as there are pushers.
func rawFan(b *testing.B, n int) *fan {
	f := &fan{name: "raw"}
	conns := players(b, n)
	feeds := []chan []byte{make(chan []byte, 1), make(chan []byte, 1)}
	var wg sync.WaitGroup
	for i, feed := range feeds {
		half := conns[i*n/2 : (i+1)*n/2]
		wg.Go(func() {
			for m := range feed {
				for _, c := range half {
					n, err := c.Write(m)
					if err != nil {
						panic(err)
					}
					f.taken.Add(int64(n))
				}
			}
		})
	}
	f.send = func(t flv.Tag) {
		m := append(make([]byte, 12, 12+len(t.Body)), t.Body...)
		for _, feed := range feeds {
			feed <- m
		}
	}
	f.stop = func() {
		for _, feed := range feeds {
			close(feed)
		}
		wg.Wait()
	}
	return f
}

func hubFan(b *testing.B, n int, name string, sink func(*socket) live.Sink) *fan {
	f := &fan{name: name}
	h := live.NewHub(live.Config{})
	pub := publish(b, h, live.PublishOptions{})
	var begun sync.WaitGroup
	for _, c := range players(b, n) {
		s, err := newSocket(c, &f.taken)
		require.NoError(b, err)
		begun.Add(1)
		_, err = h.Play("app/name", sink(s), live.PlayOptions{Begun: begun.Done})
		require.NoError(b, err)
	}
	begun.Wait()
	f.send = func(t flv.Tag) { write(b, pub, t) }
	f.stop = h.Close
	return f
}

// BenchmarkFanOut sends messages of the size of a frame of 2 Mbit/s at 30 fps to 500 players over TCP. It alternates between three ways:
// the plain loop, the hub, and the hub with players that support only blocking writes. It reports the CPU time of each way per message and
// player.
func BenchmarkFanOut(b *testing.B) {
	const n, size = 500, 8333
	fans := []*fan{rawFan(b, n),
		hubFan(b, n, "hub", func(s *socket) live.Sink { return s }),
		hubFan(b, n, "blocking", func(s *socket) live.Sink { return patient{s} })}
	for _, f := range fans {
		f.deliver(padded(key(0, 1), size), n)
		f.cpu = 0
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, f := range fans {
			f.deliver(padded(frame(0, 1), size), n)
		}
	}
	b.StopTimer()
	for _, f := range fans {
		f.stop()
		b.ReportMetric(float64(f.cpu.Microseconds())/float64(b.N)/n, f.name+"-us/write")
		b.ReportMetric(float64(f.cpu)/float64(fans[0].cpu), f.name+"/raw")
	}
}

func init() {
	if addr := os.Getenv(drainEnv); addr != "" {
		n, _ := strconv.Atoi(os.Getenv("LIVE_TEST_COUNT"))
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
		drain(addr, n)
		os.Exit(0)
	}
}
