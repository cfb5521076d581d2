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
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

// socket is a Sink as a server has it, without a session: what the kernel does not take at once waits in rest.
type socket struct {
	conn  *net.TCPConn
	raw   syscall.RawConn
	taken *atomic.Int64 // bytes, of all sockets

	mu    sync.Mutex
	rest  net.Buffers
	iovs  []syscall.Iovec
	bytes int
	once  func(fd uintptr) bool
}

func newSocket(conn *net.TCPConn, taken *atomic.Int64) (*socket, error) {
	raw, err := conn.SyscallConn()
	s := &socket{conn: conn, raw: raw, taken: taken}
	s.once = func(fd uintptr) bool {
		n, _, errno := syscall.Syscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&s.iovs[0])), uintptr(len(s.iovs)))
		s.bytes = int(n)
		if errno != 0 {
			s.bytes = 0
		}
		return true
	}
	return s, err
}

func (s *socket) TryWrite(b [][]byte) (ok, ready bool) {
	if !s.mu.TryLock() {
		return false, false
	}
	defer s.mu.Unlock()
	if len(s.rest) > 0 {
		return false, false
	}
	s.iovs = s.iovs[:0]
	size := 0
	for _, piece := range b {
		if len(piece) > 0 {
			s.iovs = append(s.iovs, syscall.Iovec{Base: &piece[0], Len: uint64(len(piece))})
			size += len(piece)
		}
	}
	if s.raw.Write(s.once) != nil {
		return false, false
	}
	s.taken.Add(int64(s.bytes))
	clear(s.iovs)
	if s.bytes == size {
		return true, true
	}
	for _, piece := range b {
		if n := min(s.bytes, len(piece)); n < len(piece) {
			s.rest = append(s.rest, piece[n:])
			s.bytes = 0
		} else {
			s.bytes -= n
		}
	}
	return true, false
}

func (s *socket) Write(b [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append(s.rest, b...)
	s.rest = nil
	n, err := all.WriteTo(s.conn)
	s.taken.Add(n)
	return err
}

// patient is a Sink that has only Write, like TLS.
type patient struct{ *socket }

func (patient) TryWrite([][]byte) (ok, ready bool) { return false, false }

const drainEnv = "LIVE_TEST_DRAIN" // address and number of connections: this process is to be the players

// drain makes connections and throws away what comes, in the kernel.
func drain(addr string, n int) {
	var wg sync.WaitGroup
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
					n, _, errno := syscall.Syscall6(syscall.SYS_RECVFROM, fd, 0, 1<<20, syscall.MSG_TRUNC, 0, 0)
					over = errno == 0 && n == 0 || errno != 0 && errno != syscall.EAGAIN
					return errno != syscall.EAGAIN
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

// BenchmarkFanOut is one message, a frame of 2 Mbit/s at 30 fps, to 500 players by TCP: from its publication until every socket has
// taken it. raw is a loop that writes to one player after the other, in two goroutines as there are pushers.
func BenchmarkFanOut(b *testing.B) {
	const n, size = 500, 8333
	tag := padded(frame(0, 1), size)
	measure := func(b *testing.B, taken *atomic.Int64, send func(flv.Tag)) {
		message := int64(12 + size)
		send(padded(key(0, 1), size))
		await := func() {
			for taken.Load() < n*message {
				time.Sleep(20 * time.Microsecond)
			}
			taken.Add(-n * message)
		}
		await()
		b.ReportAllocs()
		b.ResetTimer()
		before := cpuTime()
		for b.Loop() {
			send(tag)
			await()
		}
		b.StopTimer()
		cpu := cpuTime() - before
		b.ReportMetric(float64(cpu.Nanoseconds())/float64(b.N)/n/1000, "cpu-us/write")
		b.ReportMetric(cpu.Seconds()/(float64(b.N)*n*size*8/1e9), "cpu-s/Gbit")
	}
	b.Run("raw", func(b *testing.B) {
		conns := players(b, n)
		var taken atomic.Int64
		var feeds []chan []byte
		var wg sync.WaitGroup
		for _, half := range [][]*net.TCPConn{conns[:n/2], conns[n/2:]} {
			feed := make(chan []byte, 1)
			feeds = append(feeds, feed)
			wg.Go(func() {
				for m := range feed {
					for _, c := range half {
						n, err := c.Write(m)
						if err != nil {
							panic(err)
						}
						taken.Add(int64(n))
					}
				}
			})
		}
		measure(b, &taken, func(t flv.Tag) {
			m := append(make([]byte, 12, 12+size), t.Body...)
			for _, feed := range feeds {
				feed <- m
			}
		})
		for _, feed := range feeds {
			close(feed)
		}
		wg.Wait()
	})
	for name, sink := range map[string]func(*socket) live.Sink{
		"hub":      func(s *socket) live.Sink { return s },
		"blocking": func(s *socket) live.Sink { return patient{s} },
	} {
		b.Run(name, func(b *testing.B) {
			conns := players(b, n)
			h := live.NewHub(live.Config{})
			defer h.Close()
			pub := publish(b, h, live.PublishOptions{})
			var taken atomic.Int64
			var begun sync.WaitGroup
			for _, c := range conns {
				s, err := newSocket(c, &taken)
				require.NoError(b, err)
				begun.Add(1)
				_, err = h.Play("app/name", sink(s), live.PlayOptions{Begun: begun.Done})
				require.NoError(b, err)
			}
			begun.Wait()
			measure(b, &taken, func(t flv.Tag) { write(b, pub, t) })
		})
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
