// Package testserver extends package server for tests of clients: with faults at a chosen byte (Fault), recordings in every unusual form
// that servers send (Shape), arbitrary refusals, and all six transports. It finds files to play and names recordings by the name of the
// stream alone, in any application.
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

// Config configures a Server. The zero value relays live streams only.
type Config struct {
	Files     map[string][]byte // FLV files to play, by stream name
	RecordDir string            // folder in which published streams are recorded as NAME.flv; "" means that they are not recorded
	Realtime  bool              // send recordings no further ahead than the client's buffer; otherwise they are sent as fast as possible
	Shape     Shape             // how recordings are sent; ignored with rtmpe and rtmpte

	ChunkSize     int    // size of outgoing chunks in bytes; 0 means 4096
	WindowAckSize uint32 // window announced to the client in bytes; 0 means 2500000

	Apps []string // existing applications, with their instances; empty means all
	// Auth authenticates clients that connect as publishers. Nil means that they need no authentication. A rejected client must connect
	// again.
	Auth *auth.Server
	// Refuse returns the information object with which a connect is refused, or nil to accept it. The connection stays open.
	Refuse func(connect message.Command) amf.Object
	// OnConnect is called when the client has been accepted. OnConnect and the Handlers may wait for the client.
	OnConnect func(*Session)
	// OnMessage is called with every message from connect on, before the server handles it. It runs on the goroutine that reads, so it must
	// not wait for the client. The message is valid only during the call.
	OnMessage func(*Session, *chunk.Message)
	// Handlers answer remote calls, by method name. An error is sent as an _error with the text of the error.
	Handlers map[string]func(*Session, message.Command) (any, error)
	// RefuseShared reports whether to refuse changes of a shared object by clients. Nil means that all changes are accepted.
	RefuseShared func(name string) bool

	// Scheme is the scheme of the server's URLs, one of package rtmp's six. "" means rtmp. With rtmpe and rtmpte, unencrypted clients are
	// served too.
	Scheme string
	TLS    *tls.Config // for rtmps and rtmpts; nil means ServerTLS
	Player *Player     // player for SWF verification, which clients must pass before they play; nil means no verification
	Token  string      // key of the SecureToken challenge that clients must answer before they play; "" means no challenge

	// Fault returns the fault for the n-th TCP connection, counted from 0. The fault is below TLS and HTTP. Nil means no faults.
	Fault func(n int) Fault
	// SessionFault returns the fault for the n-th RTMP connection, counted from 0. The fault is above TLS and HTTP. Nil means no faults.
	SessionFault func(n int) Fault
	Logger       *slog.Logger // nil means that nothing is logged
}

// Player contains the hash and the size of the SWF file that clients must know, as returned by swf.Hash.
type Player = server.SWF

// Server is a running server.
type Server struct {
	cfg        Config
	rtmp       *server.Server
	recordings *recordings
	published  *published
	listener   net.Listener
	web        *webServer     // nil if clients do not use HTTP
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

// Addr returns the address that the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL returns the URL of a stream on this server.
func (s *Server) URL(app, name string) string {
	return cmp.Or(s.cfg.Scheme, "rtmp") + "://" + s.Addr() + "/" + app + "/" + name
}

// Close ends all connections, and returns when all goroutines of the server, including handlers, have ended.
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
