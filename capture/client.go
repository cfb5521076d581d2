package capture

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/capturefile"
	"github.com/go-librtmp/rtmp/message"
)

// Client sends the chunks of a recorded client to a server, each after the server has sent the answers that precede it in the recording. It
// uses the message stream ids that the server assigns. If Speed is 0, it also waits until it has received as many media messages as the
// recorded client.
type Client struct {
	Replay
	Session *Session
}

// Run replays the session on nc, a new connection, and closes it. The error is nil if the whole recording was sent, and a
// *message.StatusError if the server refuses a request that the recorded server accepted.
func (c *Client) Run(ctx context.Context, nc net.Conn) error {
	defer nc.Close()
	err := shakeHands(ctx, nc, func() error {
		_, err := handshake.Client(nc, handshake.Config{Digest: c.Session.Info().Handshake.Digest})
		return err
	})
	if err != nil {
		return err
	}
	r := &replay{Replay: &c.Replay, nc: nc, own: FromClient}
	r.role = &asClient{replay: r, asked: make(map[float64]string), answers: make(map[float64]*answer), streams: make(map[uint32]uint32)}
	return r.run(ctx, c.Session)
}

type asClient struct {
	replay  *replay
	asked   map[float64]string  // names of the calls connect and createStream, by transaction id
	answers map[float64]*answer // answers to these calls, by transaction id
	streams map[uint32]uint32   // the server's message stream ids, by the ids in the recording

	statuses, wantStatuses int // number of statuses that announce media: received, and needed for the next message
	media, wantMedia       int // number of media messages: received, and needed for the next message
	ended                  bool
	givenUp                bool // do not wait for media any more
	refused                error
}

type answer struct {
	recorded, received  bool
	recordedID, givenID uint32 // stream ids from createStream
	refused, refusedNow bool
	failure             *message.StatusError
}

func (c *asClient) answer(id float64) *answer {
	a := c.answers[id]
	if a == nil {
		a = new(answer)
		c.answers[id] = a
	}
	return a
}

// handle handles a message of the recorded server, or of the real server if live is set. begins and ends report whether the message begins
// or ends a stream.
func (c *asClient) handle(m *Message, live bool) (begins, ends bool) {
	cmd, ok := commandOf(m)
	switch {
	case !ok:
		if e, err := message.ParseUserControl(m.Body); m.Type == message.TypeUserControl && err == nil {
			return false, e.Event == message.EventStreamEOF
		}
	case cmd.Name == "_result" || cmd.Name == "_error":
		c.answered(&cmd, live)
	case cmd.Name == "onStatus":
		status := message.ParseStatus(cmd.Args)
		switch status.Code {
		case message.CodePlayStart, message.CodePublishStart:
			return true, false
		case message.CodePlayStop, message.CodePlayComplete, message.CodePlayUnpublishNotify:
			return false, true
		}
		if live && status.Level == "error" && c.statuses < c.wantStatuses {
			c.refused = fmt.Errorf("capture: %w", status)
		}
	}
	return false, false
}

func (c *asClient) answered(cmd *message.Command, now bool) {
	name := c.asked[cmd.TransactionID]
	if name == "" {
		return
	}
	a := c.answer(cmd.TransactionID)
	failed := cmd.Name == "_error"
	var id uint32
	if name == "createStream" && len(cmd.Args) > 0 {
		if n, ok := cmd.Args[0].(float64); ok && n >= 0 && n < 1<<32 {
			id = uint32(n)
		}
	}
	if now {
		a.received, a.givenID, a.refusedNow = true, id, failed
		if failed {
			a.failure = message.ParseStatus(cmd.Args)
		}
	} else {
		a.recorded, a.recordedID, a.refused = true, id, failed
	}
	if a.recorded && a.received {
		c.streams[a.recordedID] = a.givenID
		if a.refusedNow && !a.refused {
			c.refused = fmt.Errorf("capture: %s: %w", name, a.failure)
		}
	}
}

func isMediaMessage(t message.Type) bool {
	return t == message.TypeAudio || t == message.TypeVideo || t == message.TypeAggregate
}

func (c *asClient) received(m *Message) {
	begins, ends := c.handle(m, true)
	if begins {
		c.statuses++
	}
	c.ended = c.ended || ends
	if isMediaMessage(m.Type) {
		c.media++
	}
}

func (c *asClient) recorded(m *Message) {
	if begins, _ := c.handle(m, false); begins {
		c.wantStatuses++
	}
	if isMediaMessage(m.Type) {
		c.wantMedia++
	}
}

// ready reports whether the server has sent the answers that the recorded client had received at this point.
func (c *asClient) ready(*chunk.Piece, int) (bool, error) {
	if c.refused != nil {
		return false, c.refused
	}
	for _, a := range c.answers {
		if a.recorded && !a.received {
			return false, nil
		}
	}
	if c.statuses < c.wantStatuses && c.media == 0 {
		return false, nil
	}
	return c.replay.Speed > 0 || c.ended || c.givenUp || c.media >= c.wantMedia, nil
}

// timedOut makes ready stop waiting for media: a live stream may have less media than the recording.
func (c *asClient) timedOut() bool {
	was := c.givenUp
	c.givenUp = true
	return !was
}

// header replaces the message stream id in a full chunk header by the id that the server has assigned.
func (c *asClient) header(b []byte) {
	at := 1 + 7
	switch b[0] {
	case 0:
		at++
	case 1:
		at += 2
	}
	if b[0]>>6 != 0 || len(b) < at+4 {
		return
	}
	c.replay.mu.Lock()
	defer c.replay.mu.Unlock()
	if id, ok := c.streams[binary.LittleEndian.Uint32(b[at:])]; ok {
		binary.LittleEndian.PutUint32(b[at:], id)
	}
}

// edit replaces the stream ids in the body of a message, and records the call whose answer is needed later.
func (c *asClient) edit(m *capturefile.Message, _ int) {
	c.replay.mu.Lock()
	defer c.replay.mu.Unlock()
	if message.Type(m.Type) == message.TypeUserControl {
		if e, err := message.ParseUserControl(m.Body); err == nil && e.Event == message.EventSetBufferLength && len(e.Data) >= 4 {
			if id, ok := c.streams[e.Value]; ok {
				binary.BigEndian.PutUint32(e.Data, id)
			}
		}
		return
	}
	cmd, err := message.ParseCommand(message.Type(m.Type), m.Body)
	switch {
	case err != nil:
	case cmd.Name == "connect" || cmd.Name == "createStream":
		c.asked[cmd.TransactionID] = cmd.Name
	case cmd.Name == "deleteStream" && len(cmd.Args) == 1:
		number := m.Body[len(m.Body)-8:] // a double; an id that is encoded as an AMF3 integer, which is shorter, is left unchanged
		if n, ok := cmd.Args[0].(float64); ok && n >= 0 && n < 1<<32 && n == math.Float64frombits(binary.BigEndian.Uint64(number)) {
			if id, ok := c.streams[uint32(n)]; ok {
				putNumber(number, float64(id))
			}
		}
	}
}
