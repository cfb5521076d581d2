package rtmp

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/message"
)

// TestRefusedWhileWriting checks that a publisher which the server refuses and disconnects gets the refusal from the write that fails, and
// from Close, even if the connection is reset.
func TestRefusedWhileWriting(t *testing.T) {
	file := rtmptest.File(flv.Tag{Type: flv.TagAudio, Body: make([]byte, 3000)})
	packet := func(size int) func(s *Stream) error {
		p := &Packet{Type: message.TypeVideo, Body: make([]byte, size)}
		return func(s *Stream) error { return s.WritePacket(p) }
	}
	for name, write := range map[string]func(s *Stream) error{
		"Write":             func(s *Stream) error { _, err := s.Write(file); return err },
		"WritePacket":       packet(3000),
		"large WritePacket": packet(300_000),
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 16 {
				begun := make(chan struct{})
				c, s := publishing(t, accepting(t, func(p *peer) {
					<-begun
					for range i {
						p.Next()
					}
					p.Status(message.CodePublishBadName) // then peertest closes a connection with unread data, which resets it
				}), &Options{Publish: true})
				close(begun)
				var refused *StatusError
				var err error
				for err == nil {
					err = write(s)
				}
				require.ErrorAs(t, err, &refused)
				if i%2 == 0 {
					require.ErrorAs(t, s.Close(), &refused)
				} else {
					require.ErrorAs(t, c.Close(), &refused)
				}
				require.Equal(t, message.CodePublishBadName, refused.Code)
			}
		})
	}
	t.Run("Conn.Close", func(t *testing.T) {
		for i := range 16 {
			begun := make(chan struct{})
			c, s := publishing(t, accepting(t, func(p *peer) {
				<-begun
				for range i {
					p.Next()
				}
				p.Status(message.CodePublishBadName)
			}), &Options{Publish: true})
			close(begun)
			for range 20 {
				packet(3000)(s)
			}
			var refused *StatusError
			require.ErrorAs(t, c.Close(), &refused)
		}
	})
}
