package testserver_test

import (
	"bytes"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// start starts a server that ends with the test. It has the recording "sample".
func start(t *testing.T, cfg testserver.Config) *testserver.Server {
	t.Helper()
	if cfg.Files == nil {
		cfg.Files = map[string][]byte{"sample": testserver.Sample}
	}
	s, err := testserver.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// sampleTags are the tags of the recording "sample".
func sampleTags(t *testing.T) []flv.Tag {
	t.Helper()
	tags, err := testserver.Tags(testserver.Sample)
	require.NoError(t, err)
	return tags
}

// client is the client of a test: one goroutine that sends and reads what it is told to, and answers nothing by itself.
type client struct {
	t       *testing.T
	nc      net.Conn
	in      *chunk.Reader
	out     *chunk.Writer
	calls   float64 // transaction ids used
	skipped []received
}

// received is a message of the server. body is a copy.
type received struct {
	typ                                message.Type
	streamID, chunkStreamID, timestamp uint32
	body                               []byte
	command                            message.Command // of commands
	code                               string          // of a command's information object
	event                              message.UserControl
}

// dial connects a socket and shakes hands.
func dial(t *testing.T, s *testserver.Server) *client {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	return newClient(t, nc)
}

// newClient shakes hands. Everything has to be over in half a minute.
func newClient(t *testing.T, nc net.Conn) *client {
	t.Helper()
	t.Cleanup(func() { nc.Close() })
	require.NoError(t, nc.SetDeadline(time.Now().Add(30*time.Second)))
	_, err := handshake.Client(nc, handshake.Config{})
	require.NoError(t, err)
	return &client{t: t, nc: nc, in: chunk.NewReader(nc, 0), out: chunk.NewWriter()}
}

// connected returns a client of an application called "app".
func connected(t *testing.T, s *testserver.Server) *client {
	t.Helper()
	c := dial(t, s)
	c.connect()
	return c
}

func (c *client) connect() {
	c.t.Helper()
	assert.Equal(c.t, "_result", c.call("connect", amf.Object{{Name: "app", Value: "app"}}).command.Name)
}

// send sends messages with one write.
func (c *client) send(messages ...chunk.Outgoing) {
	c.t.Helper()
	var b []byte
	for i := range messages {
		var err error
		b, err = c.out.AppendMessage(b, &messages[i])
		require.NoError(c.t, err)
	}
	_, err := c.nc.Write(b)
	require.NoError(c.t, err)
}

// control sends a protocol control or user control message.
func (c *client) control(t message.Type, body []byte) {
	c.t.Helper()
	c.send(chunk.Outgoing{Type: uint8(t), ChunkStreamID: 2, Body: body})
}

// command encodes a command.
func (c *client) command(streamID uint32, name string, transaction float64, object any, args ...any) chunk.Outgoing {
	c.t.Helper()
	body, err := message.AppendCommand(nil, message.TypeCommandAMF0,
		&message.Command{Name: name, TransactionID: transaction, Object: object, Args: args})
	require.NoError(c.t, err)
	return chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: 3, StreamID: streamID, Body: body}
}

// call calls a method and returns the answer.
func (c *client) call(method string, object any, args ...any) received {
	c.t.Helper()
	c.calls++
	id := c.calls
	c.send(c.command(0, method, id, object, args...))
	return c.until(func(m received) bool {
		return (m.command.Name == "_result" || m.command.Name == "_error") && m.command.TransactionID == id
	})
}

// tell sends a command on a stream, which nobody answers as such.
func (c *client) tell(streamID uint32, name string, args ...any) {
	c.t.Helper()
	c.send(c.command(streamID, name, 0, nil, args...))
}

func (c *client) createStream() uint32 {
	c.t.Helper()
	answer := c.call("createStream", nil)
	require.Equal(c.t, "_result", answer.command.Name)
	id, ok := answer.command.Args[0].(float64)
	require.True(c.t, ok)
	return uint32(id)
}

// play plays on a stream of its own. What the server says about it is left to be read.
func (c *client) play(name string, args ...any) uint32 {
	c.t.Helper()
	id := c.createStream()
	c.tell(id, "play", append([]any{name}, args...)...)
	return id
}

// publish publishes on a stream of its own, and fails if that is refused.
func (c *client) publish(name, kind string) uint32 {
	c.t.Helper()
	id := c.createStream()
	c.tell(id, "publish", name, kind)
	c.untilCode("NetStream.Publish.Start")
	return id
}

// sendTags publishes tags.
func (c *client) sendTags(streamID uint32, tags ...flv.Tag) {
	c.t.Helper()
	for _, tag := range tags {
		c.send(chunk.Outgoing{Type: uint8(tag.Type), ChunkStreamID: 4 + uint32(tag.Type)%2, StreamID: streamID,
			Timestamp: tag.Timestamp, Body: tag.Body, Format: chunk.Format3})
	}
}

// sync returns when the server has served everything that was sent.
func (c *client) sync() {
	c.t.Helper()
	c.control(message.TypeUserControl, message.AppendUserControl(nil, message.EventPingRequest, 4711))
	c.until(func(m received) bool { return m.event.Event == message.EventPingResponse && m.event.Value == 4711 })
}

// next reads a message, or fails the test.
func (c *client) next() received {
	c.t.Helper()
	m, err := c.read()
	require.NoError(c.t, err)
	return m
}

func (c *client) read() (received, error) {
	c.t.Helper()
	var in chunk.Message
	if err := c.in.Next(&in); err != nil {
		return received{}, err
	}
	m := received{typ: message.Type(in.Type), streamID: in.StreamID, chunkStreamID: in.ChunkStreamID,
		timestamp: in.Timestamp, body: bytes.Clone(in.Body())}
	var err error
	switch m.typ {
	case message.TypeCommandAMF0:
		m.command, err = message.ParseCommand(m.typ, m.body)
		require.NoError(c.t, err)
		m.code = message.ParseStatus(m.command.Args).Code
	case message.TypeUserControl:
		m.event, err = message.ParseUserControl(m.body)
		require.NoError(c.t, err)
	}
	return m, nil
}

// until reads until match, and returns that message. What came before it is in c.skipped.
func (c *client) until(match func(received) bool) received {
	c.t.Helper()
	c.skipped = nil
	for {
		m := c.next()
		if match(m) {
			return m
		}
		c.skipped = append(c.skipped, m)
	}
}

// untilCode reads until a status with that code.
func (c *client) untilCode(code string) received {
	c.t.Helper()
	return c.until(func(m received) bool { return m.code == code })
}

// untilEvent reads until that user control event.
func (c *client) untilEvent(e message.Event) received {
	c.t.Helper()
	return c.until(func(m received) bool { return m.typ == message.TypeUserControl && m.event.Event == e })
}

// untilGone reads until the server hangs up, and returns the error that says so. It fails if the server does not.
func (c *client) untilGone() error {
	c.t.Helper()
	c.skipped = nil
	for {
		m, err := c.read()
		if err != nil {
			require.NotErrorIs(c.t, err, os.ErrDeadlineExceeded)
			return err
		}
		c.skipped = append(c.skipped, m)
	}
}

// media are the tags among messages, without those by which the server talks to the player.
func media(t *testing.T, messages []received) (tags []flv.Tag) {
	t.Helper()
	for _, m := range messages {
		switch {
		case m.typ == message.TypeAggregate:
			for sub, err := range message.Aggregate(m.timestamp, m.body) {
				require.NoError(t, err)
				tags = append(tags, flv.Tag{Type: flv.TagType(sub.Type), Timestamp: sub.Timestamp, Body: sub.Body})
			}
		case m.typ == message.TypeDataAMF0:
			data, err := message.ParseData(m.typ, m.body)
			require.NoError(t, err)
			if data.Name == "|RtmpSampleAccess" || data.Name == "onPlayStatus" {
				continue
			}
			fallthrough
		case m.typ.Media():
			tags = append(tags, flv.Tag{Type: flv.TagType(m.typ), Timestamp: m.timestamp, Body: m.body})
		}
	}
	return tags
}

// requireTags compares tags one by one, since a difference of whole files is unreadable.
func requireTags(t *testing.T, want, got []flv.Tag) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		require.Equal(t, want[i].Type, got[i].Type, "type of tag %d", i)
		require.Equal(t, want[i].Timestamp, got[i].Timestamp, "time of tag %d", i)
		require.Equal(t, want[i].Body, got[i].Body, "body of tag %d", i)
	}
	require.Len(t, got, len(want))
}
