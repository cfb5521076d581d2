package testserver_test

import (
	"net"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// pipes is a listener of connections without buffers: nothing is sent before it is read, so that a test knows how far the
// server is, and no system is involved, so that synctest can tell the time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	nc, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return nc, nil
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// overPipe runs test with a client on a pipe, which is a *recorded, in a bubble of synctest.
func overPipe(t *testing.T, cfg testserver.Config, test func(t *testing.T, c *peertest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Files = map[string][]byte{"sample": testserver.Sample}
		listener := make(pipes)
		s := testserver.Serve(listener, cfg)
		defer s.Close()
		ours, theirs := net.Pipe()
		defer ours.Close()
		listener <- theirs
		c := peertest.NewClient(t, &recorded{Conn: ours})
		c.Connect()
		test(t, c)
	})
}

// isStop tells the last message of a recording.
func isStop(m peertest.Message) bool { return m.Code == "NetStream.Play.Stop" }

// keyFrames are the indices of the sample's pictures of 0, 2000, 4000, 6000 and 8000 ms.
var keyFrames = [...]int{3, 137, 273, 409, 546}

// headersAt are the sample's metadata and sequence headers with another time.
func headersAt(all []flv.Tag, ms uint32) []flv.Tag {
	headers := slices.Clone(all[:3])
	for i := range headers {
		headers[i].Timestamp = ms
	}
	return headers
}
