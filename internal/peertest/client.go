package peertest

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/message"
)

// Client is a client for tests. Only one goroutine may use it. A failure of its methods ends the test.
type Client struct {
	*Peer
	T       testing.TB
	Skipped []Message // the messages that the last Until passed over

	calls float64 // transaction ids used
}

// Message is a message that the server has sent.
type Message struct {
	message.Packet
	Command message.Command     // the command; only of command messages
	Code    string              // code in a command's information object
	Event   message.UserControl // event of a user control message
}

// Dial connects to an address and performs the handshake.
func Dial(t testing.TB, addr string) *Client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	return NewClient(t, nc)
}

// Connect connects to the application "app" at an address.
func Connect(t testing.TB, addr string) *Client {
	t.Helper()
	c := Dial(t, addr)
	c.Connect()
	return c
}

// NewClient performs the handshake on nc and returns a Client. nc has a deadline of half a minute, and is closed at the end of the test.
func NewClient(t testing.TB, nc net.Conn) *Client {
	t.Helper()
	t.Cleanup(func() { nc.Close() })
	require.NoError(t, nc.SetDeadline(time.Now().Add(30*time.Second)))
	_, err := handshake.Client(nc, handshake.Config{})
	require.NoError(t, err)
	return &Client{Peer: New(nc), T: t}
}

// Send sends messages with one write.
func (c *Client) Send(messages ...chunk.Outgoing) {
	c.T.Helper()
	_, err := c.Conn.Write(c.Encode(messages...))
	require.NoError(c.T, err)
}

// Control sends a protocol control or user control message.
func (c *Client) Control(t message.Type, body []byte) {
	c.T.Helper()
	c.Send(Control(t, body))
}

// Call calls a method and returns the answer: a command named _result or _error.
func (c *Client) Call(method string, object any, args ...any) Message {
	c.T.Helper()
	c.calls++
	id := c.calls
	c.Send(Command(0, method, id, object, args...))
	return c.Until(func(m Message) bool {
		return (m.Command.Name == "_result" || m.Command.Name == "_error") && m.Command.TransactionID == id
	})
}

// Tell sends a command on a stream. The server answers such commands with onStatus, or not at all.
func (c *Client) Tell(streamID uint32, name string, args ...any) {
	c.T.Helper()
	c.Send(Command(streamID, name, 0, nil, args...))
}

// Connect connects to an application called "app".
func (c *Client) Connect() {
	c.T.Helper()
	require.Equal(c.T, "_result", c.Call("connect", amf.Object{{Name: "app", Value: "app"}}).Command.Name)
}

// CreateStream returns the id of a new message stream.
func (c *Client) CreateStream() uint32 {
	c.T.Helper()
	answer := c.Call("createStream", nil)
	require.Equal(c.T, "_result", answer.Command.Name)
	id, ok := answer.Command.Args[0].(float64)
	require.True(c.T, ok)
	return uint32(id)
}

// Play plays on a new stream. It does not read the server's answers.
func (c *Client) Play(name string, args ...any) uint32 {
	c.T.Helper()
	id := c.CreateStream()
	c.Tell(id, "play", append([]any{name}, args...)...)
	return id
}

// Publish publishes on a new stream, and fails if the server refuses.
func (c *Client) Publish(name, kind string) uint32 {
	c.T.Helper()
	id := c.CreateStream()
	c.Tell(id, "publish", name, kind)
	c.UntilCode(message.CodePublishStart)
	return id
}

// Sync waits until the server has handled all messages that were sent.
func (c *Client) Sync() {
	c.T.Helper()
	c.Send(Event(message.EventPingRequest, 4711))
	c.Until(func(m Message) bool { return m.Event.Event == message.EventPingResponse && m.Event.Value == 4711 })
}

// Next reads a message.
func (c *Client) Next() Message {
	c.T.Helper()
	m, err := c.Read()
	require.NoError(c.T, err)
	return m
}

// Read reads a message or returns the error.
func (c *Client) Read() (m Message, err error) {
	c.T.Helper()
	if m.Packet, err = c.Peer.Next(); err != nil {
		return Message{}, err
	}
	switch m.Type {
	case message.TypeCommandAMF0:
		m.Command, err = message.ParseCommand(m.Type, m.Body)
		require.NoError(c.T, err)
		m.Code = message.ParseStatus(m.Command.Args).Code
	case message.TypeUserControl:
		m.Event, err = message.ParseUserControl(m.Body)
		require.NoError(c.T, err)
	}
	return m, nil
}

// Until reads until match returns true, and returns that message. The messages before it are in c.Skipped.
func (c *Client) Until(match func(Message) bool) Message {
	c.T.Helper()
	c.Skipped = nil
	for {
		m := c.Next()
		if match(m) {
			return m
		}
		c.Skipped = append(c.Skipped, m)
	}
}

// UntilCode reads until a status with the given code.
func (c *Client) UntilCode(code string) Message {
	c.T.Helper()
	return c.Until(func(m Message) bool { return m.Code == code })
}

// UntilEvent reads until the given user control event.
func (c *Client) UntilEvent(e message.Event) Message {
	c.T.Helper()
	return c.Until(func(m Message) bool { return m.Type == message.TypeUserControl && m.Event.Event == e })
}

// UntilGone reads until the server closes the connection, and returns the error. The messages before it are in c.Skipped.
func (c *Client) UntilGone() error {
	c.T.Helper()
	c.Skipped = nil
	for {
		m, err := c.Read()
		if err != nil {
			require.NotErrorIs(c.T, err, os.ErrDeadlineExceeded)
			return err
		}
		c.Skipped = append(c.Skipped, m)
	}
}
