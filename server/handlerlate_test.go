package server_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// late is a Handler that writes after its deadline, and then without one.
type late struct {
	byHand
	n      int           // what Write returned
	errs   [3]error      // the errors of the writes after the deadline
	inTime error         // the error of the write without one
	done   chan struct{} // closed when the other fields are valid
}

func (h *late) ServePlay(_ context.Context, s *server.Stream) error {
	defer close(h.done)
	sound := &message.Packet{Type: message.TypeAudio, Timestamp: 40, Body: []byte{0xaf, 1, 1}}
	s.SetWriteDeadline(time.Now())
	h.n, h.errs[0] = s.Write(sampleBytes)
	h.errs[1], h.errs[2] = s.WritePacket(sound), s.WriteData("late")
	s.SetWriteDeadline(time.Time{})
	h.inTime = s.WritePacket(sound)
	return nil
}

// TestHandlerWritesLate checks that a write after its deadline sends nothing, even if the client reads, and that the connection continues.
func TestHandlerWritesLate(t *testing.T) {
	h := &late{done: make(chan struct{})}
	p := newPeer(t, app(t, &server.App{Handler: h}))
	p.connect("films")
	p.command(p.CreateStream(), "play", 3, nil, "film")
	var got []message.Type
	p.Until(func(m peertest.Message) bool {
		if m.Type == message.TypeAudio || m.Type == message.TypeVideo {
			got = append(got, m.Type)
		}
		return m.Code == message.CodePlayStop
	})
	assert.Equal(t, []message.Type{message.TypeAudio}, got)
	waitFor(t, "the writes", h.done)
	assert.Zero(t, h.n)
	for _, err := range h.errs {
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	assert.NoError(t, h.inTime)
}
