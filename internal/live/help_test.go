package live_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

// These functions return tags as publishers send them. The last bytes of each body are unique.

func videoHeader(n int) flv.Tag      { return video(0, "\x17\x00\x00\x00\x00", n) }
func key(ms uint32, n int) flv.Tag   { return video(ms, "\x17\x01\x00\x00\x00", n) }
func frame(ms uint32, n int) flv.Tag { return video(ms, "\x27\x01\x00\x00\x00", n) }

func video(ms uint32, head string, n int) flv.Tag {
	return flv.Tag{Type: flv.TagVideo, Timestamp: ms, Body: fmt.Appendf([]byte(head), "#%d", n)}
}

func audioHeader(n int) flv.Tag      { return audio(0, "\xaf\x00", n) }
func sound(ms uint32, n int) flv.Tag { return audio(ms, "\xaf\x01", n) }

func audio(ms uint32, head string, n int) flv.Tag {
	return flv.Tag{Type: flv.TagAudio, Timestamp: ms, Body: fmt.Appendf([]byte(head), "#%d", n)}
}

func data(ms uint32, name string, n int) flv.Tag {
	body, err := flv.AppendScript(nil, name, float64(n))
	if err != nil {
		panic(err)
	}
	return flv.Tag{Type: flv.TagScript, Timestamp: ms, Body: body}
}

// padded returns a tag with a body of at least size bytes.
func padded(t flv.Tag, size int) flv.Tag {
	t.Body = append(t.Body, bytes.Repeat([]byte{'.'}, max(0, size-len(t.Body)))...)
	return t
}

// client is a Sink that decodes what it receives.
type client struct {
	mu       sync.Mutex
	stream   bytes.Buffer
	reader   *chunk.Reader
	tags     []flv.Tag
	ids      []uint32
	writes   int
	slices   int  // in the last write
	stalled  bool // the client accepts no messages
	patient  bool // the client does not support TryWrite
	released *sync.Cond
	failure  error

	begun int
	ended chan error
}

func newClient(chunkSize int) *client {
	c := &client{ended: make(chan error, 1)}
	c.released = sync.NewCond(&c.mu)
	c.reader = chunk.NewReader(&c.stream, 0)
	c.stream.Write([]byte{2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, byte(chunkSize >> 24), byte(chunkSize >> 16), byte(chunkSize >> 8), byte(chunkSize)})
	return c
}

func (c *client) options() live.PlayOptions {
	return live.PlayOptions{Begun: func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.begun++
	}, Ended: func(err error) { c.ended <- err }}
}

func (c *client) TryWrite(b [][]byte) (ok, ready bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stalled || c.patient || c.failure != nil {
		return false, false
	}
	c.take(b)
	return true, true
}

func (c *client) Write(b [][]byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.stalled && c.failure == nil {
		c.released.Wait()
	}
	if c.failure != nil {
		return c.failure
	}
	c.take(b)
	return nil
}

func (c *client) take(b [][]byte) {
	if len(b) == 0 {
		return
	}
	c.writes++
	c.slices = len(b)
	for _, piece := range b {
		c.stream.Write(piece)
	}
	for {
		var m chunk.Message
		if err := c.reader.Next(&m); err != nil {
			break // there is no further message
		}
		if m.Type == 1 {
			continue
		}
		c.tags = append(c.tags, flv.Tag{Type: flv.TagType(m.Type), Timestamp: m.Timestamp, Body: bytes.Clone(m.Body())})
		c.ids = append(c.ids, m.StreamID)
	}
}

// stall makes the client stop reading, or resume.
func (c *client) stall(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = on
	c.released.Broadcast()
}

var errFailed = errors.New("the client has failed")

func (c *client) fail() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failure = errFailed
	c.released.Broadcast()
}

// got waits until all goroutines are blocked, and returns the received messages.
func (c *client) got() []flv.Tag {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.tags)
}

// end returns the error with which the hub has ended the player.
func (c *client) end(t testing.TB) error {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-c.ended:
		return err
	default:
		require.Fail(t, "the player has not been ended")
		return nil
	}
}

func write(t testing.TB, p *live.Publisher, tags ...flv.Tag) {
	t.Helper()
	for _, tag := range tags {
		require.NoError(t, p.Write(tag))
	}
}

func publish(t testing.TB, h *live.Hub, o live.PublishOptions) *live.Publisher {
	t.Helper()
	p, err := h.Publish("app/name", o)
	require.NoError(t, err)
	return p
}

func play(t testing.TB, h *live.Hub, c *client) *live.Player {
	t.Helper()
	p, err := h.Play("app/name", c, c.options())
	require.NoError(t, err)
	return p
}

// withHub runs a test in a synctest bubble, whose clock advances when all goroutines are blocked.
func withHub(t *testing.T, f func(t *testing.T, h *live.Hub)) {
	synctest.Test(t, func(t *testing.T) {
		h := live.NewHub(live.Config{})
		defer h.Close()
		f(t, h)
	})
}

// fetch returns all tags that are available.
func fetch(t testing.TB, s *live.Subscriber) (tags []flv.Tag) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for {
		m, err := s.Next(ctx)
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			return tags
		}
		tags = append(tags, m.Tag())
	}
}

// at returns t with another timestamp.
func at(ms uint32, t flv.Tag) flv.Tag {
	t.Timestamp = ms
	return t
}

// brief describes tags without their padding.
func brief(tags []flv.Tag) (all []string) {
	for _, t := range tags {
		all = append(all, fmt.Sprintf("%v %d %q +%d", t.Type, t.Timestamp, bytes.TrimRight(t.Body, "."), bytes.Count(t.Body, []byte("."))))
	}
	return all
}
