package testserver_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// handshakeSize is the number of bytes that the server sends before its first message: S0, S1 and S2.
const handshakeSize = 1 + 2*1536

// recorded is a connection that records the bytes read from it, and the length of each read.
type recorded struct {
	net.Conn
	bytes []byte
	reads []int
}

func (r *recorded) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.bytes = append(r.bytes, b[:n]...)
	if n > 0 {
		r.reads = append(r.reads, n)
	}
	return n, err
}

// faulty starts a server with a fault on its first connection. The server plays a recording of ten tags, and then closes the connection.
func faulty(t *testing.T, fault testserver.Fault) *testserver.Server {
	t.Helper()
	file := rtmptest.File(rtmptest.SampleTags(t)[:10]...)
	return rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"sample": file},
		Shape: testserver.Shape{EndSignal: testserver.EndClose},
		Fault: func(n int) testserver.Fault {
			if n > 0 {
				return testserver.Fault{}
			}
			return fault
		}})
}

// atOnce contains the commands of a player that does not wait for answers.
var atOnce = []chunk.Outgoing{peertest.Command(0, "connect", 1, amf.Object{{Name: "app", Value: "app"}}),
	peertest.Command(0, "createStream", 2, nil), peertest.Command(1, "play", 0, nil, "sample")}

// session plays, with all commands sent at once. It returns the bytes received and the error that ended the connection.
func session(t *testing.T, s *testserver.Server) (r *recorded, err error) {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	require.NoError(t, nc.SetDeadline(time.Now().Add(30*time.Second)))
	r = &recorded{Conn: nc}
	if _, err := handshake.Client(r, handshake.Config{}); err != nil {
		return r, err
	}
	if _, err := nc.Write(peertest.New(nc).Encode(atOnce...)); err != nil {
		return r, err
	}
	_, err = io.Copy(io.Discard, struct{ io.Reader }{r})
	return r, err
}

// faultsAt returns positions for faults: in the handshake, after the handshake, in messages, and one that is never reached.
func faultsAt(whole []byte) []int64 {
	n := int64(len(whole))
	return []int64{0, 1, 1000, handshakeSize - 1, handshakeSize, handshakeSize + 1, handshakeSize + 100, n / 2, n - 1, n, n + 1000}
}

// wholeSession returns the bytes that a session without faults receives.
func wholeSession(t *testing.T) []byte {
	t.Helper()
	r, err := session(t, faulty(t, testserver.Fault{At: 10})) // action None
	require.NoError(t, err)
	return r.bytes
}

// requireSame compares got with the beginning of want. It ignores the handshake, which is random.
func requireSame(t *testing.T, want, got []byte) {
	t.Helper()
	if len(got) > handshakeSize {
		require.Equal(t, want[handshakeSize:len(got)], got[handshakeSize:])
	}
}

func TestCut(t *testing.T) {
	whole := wholeSession(t)
	for _, at := range faultsAt(whole) {
		r, err := session(t, faulty(t, testserver.Fault{Action: testserver.Cut, At: at}))
		if at < handshakeSize {
			require.True(t, errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), "at %d: %v", at, err)
		} else {
			require.NoError(t, err, "at %d: the end is a FIN", at)
		}
		require.Len(t, r.bytes, min(int(at), len(whole)))
		requireSame(t, whole, r.bytes)
	}
}

func TestReset(t *testing.T) {
	whole := wholeSession(t)
	for _, at := range faultsAt(whole) {
		r, err := session(t, faulty(t, testserver.Fault{Action: testserver.Reset, At: at}))
		if at <= int64(len(whole)) {
			require.Error(t, err, "at %d", at)
			require.LessOrEqual(t, len(r.bytes), int(at), "a reset may overtake bytes")
		} else {
			require.NoError(t, err)
			require.Len(t, r.bytes, len(whole))
		}
		requireSame(t, whole, r.bytes)
	}
}

// TestStallInHandshake checks that Close ends a stalled handshake.
func TestStallInHandshake(t *testing.T) {
	for _, at := range []int64{0, 1, 1000, handshakeSize - 1} {
		s := faulty(t, testserver.Fault{Action: testserver.Stall, At: at})
		nc, err := net.Dial("tcp", s.Addr())
		require.NoError(t, err)
		defer nc.Close()
		r := &recorded{Conn: nc}
		failed := make(chan error, 1)
		go func() {
			_, err := handshake.Client(r, handshake.Config{})
			failed <- err
		}()
		s.Close()
		require.Error(t, <-failed)
		require.LessOrEqual(t, len(r.bytes), int(at))
	}
}

// TestStall checks that a stalled connection stays open until Close, and does not affect other connections.
func TestStall(t *testing.T) {
	whole := wholeSession(t)
	for _, at := range []int{handshakeSize, handshakeSize + 100, len(whole) - 1} {
		s := faulty(t, testserver.Fault{Action: testserver.Stall, At: int64(at)})
		stalled, err := net.Dial("tcp", s.Addr())
		require.NoError(t, err)
		r := &recorded{Conn: stalled}
		_, err = handshake.Client(r, handshake.Config{})
		require.NoError(t, err)
		peertest.New(stalled).Send(atOnce...)
		_, err = io.ReadFull(r, make([]byte, at-handshakeSize))
		require.NoError(t, err, "everything before the fault")
		requireSame(t, whole, r.bytes)
		require.NoError(t, stalled.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
		_, err = r.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, "the connection stays open")
		other, err := session(t, s)
		require.NoError(t, err, "others don't notice")
		requireSame(t, whole, other.bytes)
		s.Close()
		require.NoError(t, stalled.SetReadDeadline(time.Now().Add(30*time.Second)))
		_, err = r.Read(make([]byte, 1))
		require.Error(t, err)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "Close ends it")
		stalled.Close()
	}
}

// TestDribble checks that each byte is written separately. It uses a pipe, which preserves the boundaries of writes.
func TestDribble(t *testing.T) {
	const at = handshakeSize + 50
	overPipe(t, testserver.Config{Fault: func(int) testserver.Fault {
		return testserver.Fault{Action: testserver.Dribble, At: at}
	}}, func(t *testing.T, c *peertest.Client) {
		r, ok := c.Conn.(*recorded)
		require.True(t, ok)
		r.bytes, r.reads = nil, nil
		id := c.CreateStream()
		c.Tell(id, "play", "sample", 0, 1000)
		c.Until(isStop)
		assert.NotEmpty(t, r.reads)
		assert.Len(t, r.reads, len(r.bytes))
	})
	whole := wholeSession(t)
	for _, at := range faultsAt(whole) {
		r, err := session(t, faulty(t, testserver.Fault{Action: testserver.Dribble, At: at}))
		require.NoError(t, err)
		require.Len(t, r.bytes, len(whole))
		requireSame(t, whole, r.bytes)
	}
}

func TestCorrupt(t *testing.T) {
	whole := wholeSession(t)
	for _, at := range faultsAt(whole) {
		r, err := session(t, faulty(t, testserver.Fault{Action: testserver.Corrupt, At: at}))
		switch {
		case at == 0:
			require.Error(t, err, "an invalid version")
			require.EqualValues(t, 0xFF^3, r.bytes[0])
		case at < handshakeSize:
			require.NoError(t, err)
			requireSame(t, whole, r.bytes)
		default:
			require.NoError(t, err)
			want := append([]byte{}, whole...)
			if at < int64(len(want)) {
				want[at] ^= 0xFF
			}
			requireSame(t, want, r.bytes)
			require.Len(t, r.bytes, len(want))
		}
	}
}
