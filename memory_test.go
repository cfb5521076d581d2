package rtmp

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/message"
)

// TestMemoryOfUnfinishedMessages checks what a server can make a player hold that has read everything, if the server sends one message of the
// largest size and begins many more: twice the largest size, a quarter of that in addition, which the size classes of Go's allocator may
// cost, and the message that ReadPacket has returned, whose memory is a quarter larger.
func TestMemoryOfUnfinishedMessages(t *testing.T) {
	const (
		largest = 4 << 20
		begun   = 255
		part    = 31 << 10 // of each begun message
		bound   = 2 * largest * 5 / 4
		other   = 1 << 20 // the read buffer and everything else that a connection needs
	)
	for name, test := range map[string]struct {
		read func(*Stream) func() error
		most int // bytes
	}{
		"Read": {func(s *Stream) func() error {
			b := make([]byte, 64<<10)
			return func() error { _, err := s.Read(b); return err }
		}, bound + other},
		"ReadPacket": {func(s *Stream) func() error {
			p := new(Packet)
			return func() error { return s.ReadPacket(p) }
		}, bound + largest*5/4 + other},
	} {
		t.Run(name, func(t *testing.T) {
			goOn, all := make(chan struct{}), make(chan struct{})
			url := newPeer(t, func(p *peer) {
				p.AcceptPlayer()
				<-goOn
				p.Control(message.TypeSetChunkSize, []byte{0, 0, part >> 8, 0})
				header := []byte{0, 0, 0, largest >> 16, 0, 0, byte(message.TypeVideo), 1, 0, 0, 0} // without the basic header
				body := make([]byte, part)
				p.Conn.Write(append([]byte{6}, header...))
				for left := largest; left > part; left -= part {
					p.Conn.Write(body)
					p.Conn.Write([]byte{0xC6})
				}
				p.Conn.Write(body[:largest%part])
				for i := range begun {
					p.Conn.Write(append([]byte{0, byte(i)}, header...))
					p.Conn.Write(body)
				}
				p.Call(0, "all", 0, nil)
				p.UntilGone()
			})
			c, s := playing(t, url, &Options{MaxMessageSize: largest})
			c.InvokeHandler("all", func(context.Context, []any) (any, error) {
				close(all)
				return nil, nil
			})
			var reading sync.WaitGroup
			hold := heldBytes(func() {
				reading.Go(func() {
					for read := test.read(s); read() == nil; {
					}
				})
				close(goOn)
				<-all
			})
			assert.Less(t, hold, test.most)
			assert.Greater(t, hold, begun*part, "the unfinished messages are there")
			require.NoError(t, c.Close())
			reading.Wait()
		})
	}
}
