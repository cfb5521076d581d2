package rtmp

import (
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// A server leaves after any number of messages, in several ways: Close returns nil only when all media has arrived. (It may
// return an error also then: a reset does not say what was unread.)
func TestCloseTellsTheTruth(t *testing.T) {
	seed := uint64(1)
	if long() {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, 6)
	for i := range repetitions(150) {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			how := []string{"close", "close late", "reset", "reset late"}[random.IntN(4)]
			count, size := 1+random.IntN(12), []int{20, 500, 3000}[random.IntN(3)]
			messages := random.IntN(count + 4) // of media, FCUnpublish, deleteStream, and what may come after
			got := make(chan int, 1)
			url := accepting(t, func(p *peer) {
				p.In = chunk.NewReader(unbuffered{p.Conn}, 0) // what it has not asked for stays in the socket
				media := 0
				var m chunk.Message
				for n := 0; n < messages && p.In.Next(&m) == nil; n++ {
					if message.Type(m.Type) == message.TypeVideo {
						media++
					}
				}
				if strings.HasSuffix(how, "late") {
					time.Sleep(20 * time.Millisecond) // so that Close is at another point
				}
				if strings.HasPrefix(how, "reset") {
					p.Conn.(*net.TCPConn).SetLinger(0)
				}
				got <- media
			})
			c, err := Dial(conntest.Context(t), url, &Options{Timeout: 2 * time.Second, NoEnhanced: true, SendQueue: 8 << 20})
			if !assert.NoError(t, err) {
				return
			}
			s, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
			if err != nil { // it has left already
				c.Close()
				return
			}
			accepted := 0
			for j := range count {
				if s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: uint32(j), Body: make([]byte, size)}) == nil {
					accepted++
				}
			}
			if random.IntN(3) == 0 {
				s.Close()
			}
			if err := c.Close(); err == nil {
				assert.Equal(t, accepted, <-got, "%s after %d messages, %d of %d bytes: %v", how, messages, count, size, c.Err())
			}
		})
	}
}

// unbuffered is read a byte at a time.
type unbuffered struct{ io.Reader }

func (u unbuffered) Read(p []byte) (int, error) { return u.Reader.Read(p[:min(1, len(p))]) }
