// Package testserver extends package server for tests of clients: with faults at a chosen byte (Fault), streams in
// every unusual shape that the protocol allows (Shape), arbitrary refusals, and all six transports on one port. Files
// are played and published streams are recorded by name alone, in any application.
package testserver

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// Config says what a Server serves. The zero value relays live streams only.
type Config struct {
	Files     map[string][]byte // FLV files to play, by stream name
	RecordDir string            // folder in which published streams are recorded as NAME.flv; "": they are not
	Realtime  bool              // send recordings no further ahead than the client's buffer; false: as fast as possible
	Shape     Shape             // how recordings are sent; ignored with rtmpe and rtmpte

	ChunkSize     int    // size of outgoing chunks in bytes; 0: 4096
	WindowAckSize uint32 // announced to the client, bytes; 0: 2500000

	Apps []string // existing applications, with their instances; empty: any
	// Auth authenticates clients that connect as publishers; nil: they need no authentication. A rejected client has
	// to connect again.
	Auth *auth.Server
	// Refuse returns the information object with which a connect is refused, nil to accept it. The connection stays open.
	Refuse func(connect message.Command) amf.Object
	// OnConnect is called when the client has been accepted. It may wait for the client, as the Handlers may.
	OnConnect func(*Session)
	// OnMessage sees every message from connect on, before it is served, on the goroutine that reads: it must not wait for what
	// the client sends. The message is valid during the call.
	OnMessage func(*Session, *chunk.Message)
	// Handlers answer remote calls by name. An error is answered with an _error that has its text.
	Handlers map[string]func(*Session, message.Command) (any, error)
	// RefuseShared reports whether clients may not change a shared object; nil: they may change all.
	RefuseShared func(name string) bool

	// Scheme is that of the server's URLs, one of package rtmp's six; "": rtmp. With rtmpe and rtmpte, clients that do not encrypt
	// are served, too.
	Scheme string
	TLS    *tls.Config // for rtmps and rtmpts; nil: ServerTLS
	Player *Player     // player that clients must prove to be, by SWF verification, before they play; nil: none
	Token  string      // key of the SecureToken challenge that clients must answer before they play; "": none

	// Fault chooses what goes wrong on the n-th TCP connection, counted from 0, below TLS and HTTP; nil: nothing.
	Fault func(n int) Fault
	// SessionFault is the same above TLS and HTTP, on the n-th RTMP connection; nil: nothing.
	SessionFault func(n int) Fault
	Logger       *slog.Logger // nil: silent
}

// Player is an SWF file that clients have to know: its hash and size, as swf.Hash has them.
type Player = server.SWF

// Server is a running server.
type Server struct {
	cfg        Config
	rtmp       *server.Server
	recordings *recordings
	published  *published
	listener   net.Listener
	web        *webServer     // nil: clients do not use HTTP
	running    sync.WaitGroup // the accepting goroutine, and all sessions with their hooks

	mu     sync.Mutex // guards the rest
	served int        // number of sessions so far
}

// Start serves on a free port of the loopback interface.
func Start(cfg Config) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("test server: %w", err)
	}
	return Serve(l, cfg), nil
}

// Serve serves on l, which the Server closes.
func Serve(l net.Listener, cfg Config) *Server {
	s := &Server{cfg: cfg, recordings: newRecordings(cfg), published: newPublished(cfg.RecordDir)}
	s.rtmp = s.public()
	s.listen(l)
	return s
}

// Addr is the address the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is the URL of a stream on this server.
func (s *Server) URL(app, name string) string {
	return cmp.Or(s.cfg.Scheme, "rtmp") + "://" + s.Addr() + "/" + app + "/" + name
}

// Close ends all connections, and returns when every goroutine of the server has ended, and with them all handlers.
func (s *Server) Close() {
	s.listener.Close()
	s.rtmp.Close()
	if s.web != nil {
		s.web.close()
	}
	s.running.Wait()
	s.recordings.remove()
}

// serve serves a client until its connection ends.
func (s *Server) serve(nc net.Conn) {
	s.mu.Lock()
	n := s.served
	s.served++
	s.mu.Unlock()
	if s.cfg.SessionFault != nil {
		nc = newFaultyConn(nc, s.cfg.SessionFault(n))
	}
	if shaper := newShaper(s.cfg.Shape); shaper != nil {
		nc = newShapedConn(nc, shaper)
	}
	session := &Session{server: s, left: make(chan struct{})}
	s.rtmp.ServeConn(context.WithValue(context.Background(), sessionKey{}, session), nc)
	session.join()
}
