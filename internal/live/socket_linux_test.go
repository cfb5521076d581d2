package live_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

// socket is a Sink like that of a server, but without a session. It keeps in rest the bytes that the kernel does not accept at once.
type socket struct {
	conn  *net.TCPConn
	raw   syscall.RawConn
	taken *atomic.Int64 // bytes accepted by all sockets together

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
		var n uintptr
		var errno syscall.Errno
		if v := s.iovs; len(v) == 1 { // write is cheaper than writev for one buffer
			n, _, errno = syscall.Syscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(v[0].Base)), uintptr(v[0].Len))
		} else {
			n, _, errno = syscall.Syscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&v[0])), uintptr(len(v)))
		}
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
			iov := syscall.Iovec{Base: &piece[0]}
			iov.SetLen(len(piece))
			s.iovs = append(s.iovs, iov)
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
	if len(s.rest) == 0 && len(b) == 1 {
		n, err := s.conn.Write(b[0])
		s.taken.Add(int64(n))
		return err
	}
	all := append(s.rest, b...)
	s.rest = nil
	n, err := all.WriteTo(s.conn)
	s.taken.Add(n)
	return err
}

// TestSocketsThatAreNotRead uses real sockets, some of which are not read for a while. All messages must arrive complete, and slow players
// must continue at a key frame.
func TestSocketsThatAreNotRead(t *testing.T) {
	const chunkSize, frames, last = 4096, 1000, 1<<32 - 1
	h := live.NewHub(live.Config{ChunkSize: chunkSize})
	defer h.Close()
	pub := publish(t, h, live.PublishOptions{Policy: live.Policy{Backlog: 1 << 20}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()

	type viewer struct {
		conn   net.Conn
		player *live.Player
		read   chan struct{} // closed when the player may read
		tags   chan []flv.Tag
	}
	var viewers []*viewer
	var taken atomic.Int64
	begun := make(chan struct{})
	for i := range 6 {
		conn, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		accepted, err := l.Accept()
		require.NoError(t, err)
		defer accepted.Close()
		s, err := newSocket(accepted.(*net.TCPConn), &taken)
		require.NoError(t, err)
		v := &viewer{conn: conn, read: make(chan struct{}), tags: make(chan []flv.Tag, 1)}
		v.player, err = h.Play("app/name", s, live.PlayOptions{StreamID: uint32(1 + i%2), Begun: func() { begun <- struct{}{} }})
		require.NoError(t, err)
		<-begun
		viewers = append(viewers, v)
		go func() {
			var tags []flv.Tag
			defer func() { v.tags <- tags }()
			<-v.read
			size := bytes.NewReader([]byte{2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, chunkSize >> 8, chunkSize & 0xff})
			r := chunk.NewReader(io.MultiReader(size, conn), 0)
			for {
				var m chunk.Message
				if r.Next(&m) != nil {
					return
				}
				if m.Type == 1 {
					continue
				}
				tags = append(tags, flv.Tag{Type: flv.TagType(m.Type), Timestamp: m.Timestamp, Body: bytes.Clone(m.Body())})
				if m.Timestamp == last {
					return
				}
			}
		}()
	}
	quick, slow := viewers[:4], viewers[4:]
	for _, v := range quick {
		close(v.read)
	}
	for i := range frames {
		tag := padded(frame(uint32(i), i), 20_000)
		if i%25 == 0 {
			tag = padded(key(uint32(i), i), 60_000)
		}
		write(t, pub, tag)
	}
	for _, v := range slow {
		close(v.read)
	}
	write(t, pub, padded(key(last, frames), 20_000))
	for i, v := range viewers {
		tags := <-v.tags
		v.player.Close() // afterwards, the bytes of the last write have been counted
		missed := v.player.Stats().Missed
		assert.EqualValues(t, frames+1, uint64(len(tags))+missed, "player %d", i)
		now := -1
		for n, tag := range tags {
			if tag.Timestamp == last {
				break
			}
			want := padded(frame(tag.Timestamp, int(tag.Timestamp)), 20_000)
			if tag.Timestamp%25 == 0 {
				want = padded(key(tag.Timestamp, int(tag.Timestamp)), 60_000)
			}
			require.True(t, bytes.Equal(want.Body, tag.Body), "player %d: message %d is another", i, n)
			require.Greater(t, int(tag.Timestamp), now, "player %d: message %d is out of order", i, n)
			if int(tag.Timestamp) != now+1 {
				require.Zero(t, tag.Timestamp%25, "player %d: no key frame after a gap", i)
			}
			now = int(tag.Timestamp)
		}
		if i >= len(quick) {
			assert.NotZero(t, missed, "player %d, which did not read", i)
		}
	}
}
