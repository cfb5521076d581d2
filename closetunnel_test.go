package rtmp

import (
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/transport"
	"github.com/go-librtmp/rtmp/message"
)

// bytewise is a connection that is read byte by byte.
type bytewise struct{ net.Conn }

func (c bytewise) Read(p []byte) (int, error) { return c.Conn.Read(p[:min(1, len(p))]) }

// TestCloseTellsTheTruthOfTunnels is TestCloseTellsTheTruth over RTMPT: the server of the tunnel may end the session at any time.
func TestCloseTellsTheTruthOfTunnels(t *testing.T) {
	seed, whole := randomSeed(t), 0
	for i := range repetitions(40) {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		count, size := 1+random.IntN(12), []int{20, 500, 3000}[random.IntN(3)]
		messages := random.IntN(count + 4) // messages of media, FCUnpublish, deleteStream, and those that may follow
		got := make(chan int, 1)
		tunnels := transport.NewTunnelServer(func(nc net.Conn) {
			p, err := peertest.Accept(bytewise{nc}) // unread bytes stay in the session
			if err != nil {
				return
			}
			p.AcceptPublisher()
			media := 0
			var m chunk.Message
			for n := 0; n < messages && p.In.Next(&m) == nil; n++ {
				switch message.Type(m.Type) {
				case message.TypeVideo:
					media++
				case message.TypeCommandAMF0:
					if cmd, err := message.ParseCommand(message.TypeCommandAMF0, m.Body()); err == nil && cmd.Name == "createStream" {
						p.Call(0, "_result", cmd.TransactionID, nil, 2.0)
					}
				}
			}
			got <- media
		})
		web := httptest.NewServer(tunnels)
		c, err := Dial(conntest.Context(t), "rtmpt"+strings.TrimPrefix(web.URL, "http")+"/app/play", &Options{Timeout: patience, NoEnhanced: true, SendQueue: 8 << 20})
		require.NoError(t, err)
		if s, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true}); err == nil {
			accepted := 0
			for j := range count {
				if s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: uint32(j), Body: make([]byte, size)}) == nil {
					accepted++
				}
			}
			if err := c.Close(); err == nil {
				whole++
				assert.Equal(t, accepted, <-got, "after %d messages, %d of %d bytes: %v", messages, count, size, c.Err())
			}
		}
		c.Close()
		web.Close()
		tunnels.Close()
	}
	assert.Positive(t, whole, "some were published whole")
}
