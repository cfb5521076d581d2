package server

import (
	"context"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Shutdown stops accepting connections and asks clients that support it to reconnect elsewhere. It waits until all clients have left or ctx
// is done. It then informs the remaining clients (players with StreamEOF and Play.Stop, publishers with Connect.AppShutdown), disconnects
// them, and returns ctx's error.
//
// Shutdown closes all recordings. Before it returns, it waits until Files.Done has returned for each file, as long as ctx allows or, if ctx has
// ended before the clients have left, for at most five seconds. It does not wait for other hooks. But Files.Done is called after the hooks of
// the same client that are already running, so a hook must not wait for Shutdown.
func (s *Server) Shutdown(ctx context.Context) error {
	s.init()
	s.stopListening()
	for _, c := range s.Conns() {
		c.askToReconnect()
	}
	err := s.waitForConns(ctx)
	if err != nil {
		s.hangUp()
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.Background(), lingerTimeout)
		defer cancel()
	}
	s.Close()
	if late := s.waitUntil(ctx, func() bool { return s.unreported.Load() == 0 }); err == nil {
		err = late
	}
	return err
}

// hangUp notifies the remaining clients that the server is shutting down, and disconnects them. Clients that have not sent connect are
// disconnected at once, since they expect no notification.
func (s *Server) hangUp() {
	grace, cancel := context.WithTimeout(context.Background(), lingerTimeout)
	defer cancel()
	for _, c := range s.strangers() {
		c.fail(ErrServerClosed)
	}
	busy := make(map[*Conn]bool)
	conns := s.Conns()
	for _, c := range conns {
		busy[c] = len(c.Streams()) > 0
		c.stopFiles()
	}
	s.hub.Shutdown(grace) // informs publishers and players
	for _, c := range conns {
		if busy[c] {
			c.leave()
		} else {
			c.Reject(&Refusal{Code: message.CodeConnectAppShutdown, Description: "the server is shutting down"})
		}
	}
	s.waitForConns(grace)
}

// strangers returns the clients that have not sent connect.
func (s *Server) strangers() (all []*Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.mu.Lock()
		if c.connect.Body == nil {
			all = append(all, c)
		}
		c.mu.Unlock()
	}
	return all
}

// stopFiles ends the playing of files on a connection.
func (c *Conn) stopFiles() {
	for _, st := range c.allStreams() {
		if fp, ok := st.activity().(*filePlaying); ok && !fp.over() {
			fp.release()
			c.session.TryReply(session.Event(message.EventStreamEOF, st.id))
			c.session.TryReply(session.Status(st.id, "status", message.CodePlayStop, "The server is shutting down."))
		}
	}
}

// Close disconnects all clients at once. It returns when all goroutines of the Server have ended and all recordings are complete, but does not
// wait for hooks: after Close, Files.Done may still be running or about to be called. Shutdown waits for it.
func (s *Server) Close() error {
	s.init()
	s.stopListening()
	s.mu.Lock()
	s.closed = true
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	viewers := make([]*viewer, 0, len(s.viewers))
	for v := range s.viewers {
		viewers = append(viewers, v)
	}
	t := s.tunnel
	s.mu.Unlock()
	for _, c := range conns {
		c.fail(ErrServerClosed)
	}
	for _, v := range viewers {
		v.cancel()
	}
	if t != nil {
		t.Close()
	}
	s.hub.Close()
	s.running.Wait()
	s.mu.Lock()
	folders := s.folders
	s.folders = nil
	s.mu.Unlock()
	for _, f := range folders {
		f.Close()
	}
	return nil
}

func (s *Server) stopListening() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for l := range s.listeners {
		(*l).Close()
	}
}

// waitForConns waits until all clients and HTTP viewers have left, and clients of tunnels have fetched all bytes that were sent to them.
func (s *Server) waitForConns(ctx context.Context) error {
	return s.waitUntil(ctx, func() bool { return s.limiter.InUse() == 0 && s.tunnelSessions() == 0 })
}

// waitUntil calls over whenever its result may have changed, until it returns true or ctx is done.
func (s *Server) waitUntil(ctx context.Context, over func() bool) error {
	for {
		changed := s.nextChange() // asked for before the check, so that no change is missed
		if over() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// nextChange returns a channel that wakeShutdown closes.
func (s *Server) nextChange() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

// wakeShutdown wakes waitUntil. It is called after a client has released its slot, after a tunnel has ended, and after Files.Done.
func (s *Server) wakeShutdown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// askToReconnect asks a client to connect again if it has announced that it can (E-RTMP v2, capsEx).
func (c *Conn) askToReconnect() {
	object, _ := c.Connect().Object.(amf.Object)
	caps, _ := object.Get("capsEx")
	bits, _ := caps.(float64)
	const reconnect = 1
	if !(bits >= 0 && bits < 1<<31) || int(bits)&reconnect == 0 {
		return
	}
	if o, err := statusMessage(0, "status", message.CodeConnectReconnectRequest, "The server is shutting down.", nil); err == nil && c.session.TryReply(o) {
		c.session.FlushReplies()
	}
}
