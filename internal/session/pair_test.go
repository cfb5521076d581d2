package session

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/go-librtmp/rtmp/message"
)

// role is a Dispatcher for tests. It answers calls with their arguments, and keeps all other messages.
type role struct {
	session  *Session
	handlers Callbacks
	ended    func(error) error // nil means that the error is unchanged

	mu       sync.Mutex
	received []message.Packet
	news     chan struct{} // signalled when something was received
}

func (r *role) Dispatch(m *Message, direct Sink) error {
	if m.Type == message.TypeCommandAMF0 {
		cmd, damage := message.ParseCommand(m.Type, m.Payload())
		if cmd.Name == "_result" || cmd.Name == "_error" {
			_, err := r.session.CallAnswered(&cmd, damage)
			return err
		}
		r.handlers.Run(len(m.Payload()), func() { r.session.Answer(cmd.Name, cmd.TransactionID, cmd.Args, nil) })
		return nil
	}
	p := m.Packet
	p.Body = append([]byte{}, m.Payload()...)
	r.mu.Lock()
	r.received = append(r.received, p)
	r.mu.Unlock()
	Signal(r.news)
	return nil
}

func (r *role) Ended(err error) error {
	r.handlers.End()
	if r.ended != nil {
		return r.ended(err)
	}
	return err
}

func newRole(nc net.Conn, config Config) *role {
	r := &role{news: make(chan struct{}, 1)}
	r.session = New(nc, r, config)
	return r
}

// pair returns two connected Sessions. They are closed at the end of the test.
func pair(t *testing.T, config Config) (client, server *role) {
	t.Helper()
	a, b := net.Pipe()
	return pairOn(t, a, b, config)
}

func pairOn(t *testing.T, a, b net.Conn, config Config) (client, server *role) {
	t.Helper()
	config.Peer = "server"
	client = newRole(a, config)
	config.Peer = "client"
	server = newRole(b, config)
	t.Cleanup(func() {
		client.session.Close()
		server.session.Close()
	})
	return client, server
}

// call calls the other end and returns the answer's values.
func (r *role) call(ctx context.Context, method string, args ...any) (any, error) {
	k, err := r.session.NewCall(method, 0)
	if err != nil {
		return nil, err
	}
	o, err := Command(ChunkStreamCommand, 0, &message.Command{Name: method, TransactionID: k.ID, Args: args})
	if err != nil {
		return nil, err
	}
	if err := r.session.Send(ctx, o); err != nil {
		return nil, err
	}
	if err := k.Wait(ctx); err != nil {
		return nil, err
	}
	return k.Result()
}
