package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/admission"
	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/internal/transport"
	"github.com/go-librtmp/rtmp/internal/vod"
)

// ErrServerClosed is returned by Serve, ListenAndServe and their TLS forms after Shutdown or Close.
var ErrServerClosed = errors.New("rtmp: server closed")

// Server is an RTMP server. The zero value relays live streams of any application on :1935. The fields must not be changed after the first
// method call.
type Server struct {
	Addr       string               // the address on which ListenAndServe listens; "" means ":1935"
	Apps       map[string]*App      // applications by the first element of connect's app; "*" is for all others; nil means the zero App for all
	TLSConfig  *tls.Config          // used by ServeTLS
	Encryption handshake.Encryption // the strongest type of RTMPE that is accepted in addition to plain RTMP; EncryptionNone means none

	ChunkSize      int           // size of outgoing chunks in bytes; 0 means 65536, so that nearly every message is one chunk
	WindowAckSize  uint32        // number of bytes after which clients must acknowledge; 0 means 2500000
	MaxMessageSize int           // largest received message in bytes; 0 means 8 MiB. The limit is at most 64 KiB until connect is accepted
	MaxConns       int           // maximum number of connections and HTTP viewers; further ones are closed at once. 0 means no limit
	MaxConnsPerIP  int           // like MaxConns, for each IPv4 address or IPv6 /64; 0 means no limit
	MaxStreams     int           // maximum number of message streams of a connection; 0 means 16
	SetupTimeout   time.Duration // maximum time from accept to the connect command, including the TLS and RTMP handshakes; 0 means 10 s
	IdleTimeout    time.Duration // how long a client may send nothing; 0 means 60 s. The server pings the client after half of this time
	WriteTimeout   time.Duration // how long a write to a client may make no progress; 0 means 20 s

	// TrustedProxies are the addresses from which the PROXY protocol (v1, v2) and X-Forwarded-For are accepted. Nil means none. If one of
	// them opens a connection without a PROXY header, MaxConnsPerIP counts it for the address of the proxy.
	TrustedProxies []netip.Prefix
	// ConnContext returns the context of a connection, with values for the hooks. It is called before anything is read.
	ConnContext func(ctx context.Context, nc net.Conn) context.Context
	// Capture returns the writer for the recording of a connection, in the format of package capture, or nil if the connection is not to be
	// recorded. It is called after the handshake, and may use only the Conn's ID, RemoteAddr, TLS and Context. The recording contains no
	// secrets. Each Write contains a whole block of the format, at most about a second after the messages in it. The writer is closed at
	// the end. If a Write fails or blocks for 5 seconds, the recording ends, but the connection continues. The connection may wait for the
	// Write during that time.
	Capture func(c *Conn) io.WriteCloser
	// Logger receives records with the attributes conn, remote, app and stream. Nil means slog.Default.
	Logger *slog.Logger

	setup    sync.Once
	hub      *live.Hub // the live streams
	shared   sharedObjects
	auth     authServers
	running  sync.WaitGroup // goroutines of listeners, connections and recordings
	counts   counts
	limiter  admission.Limiter // numbers of connections and viewers, in total and by address
	refusals admission.Refusals
	lastID   atomic.Uint64

	unreported atomic.Int64 // closed recordings for which Files.Done has not returned yet

	mu        sync.Mutex // guards the rest
	closing   bool       // new clients are refused
	closed    bool       // Close was called
	listeners map[*net.Listener]struct{}
	conns     map[*Conn]struct{}
	tunnel    *transport.TunnelServer // nil until TunnelHandler is called
	viewers   map[*viewer]struct{}    // HTTP viewers
	folders   map[*Files]*vod.Folder
	changed   chan struct{} // see nextChange; nil while Shutdown does not wait
}

// init sets up a zero Server.
func (s *Server) init() {
	s.setup.Do(func() {
		s.listeners = make(map[*net.Listener]struct{})
		s.conns = make(map[*Conn]struct{})
		s.limiter.Max, s.limiter.PerAddr = s.MaxConns, s.MaxConnsPerIP
		s.viewers = make(map[*viewer]struct{})
		s.folders = make(map[*Files]*vod.Folder)
		s.hub = live.NewHub(live.Config{ChunkSize: s.chunkSize()})
	})
}

func (s *Server) log() *slog.Logger {
	if s.Logger != nil {
		return s.Logger
	}
	return slog.Default()
}

// ListenAndServe serves RTMP on Addr. After Shutdown or Close it returns ErrServerClosed.
func (s *Server) ListenAndServe() error {
	l, err := s.listen(":1935")
	if err != nil {
		return err
	}
	return s.Serve(l)
}

// ListenAndServeTLS is like ListenAndServe, for RTMPS. If Addr is empty, it
// listens on ":443".
func (s *Server) ListenAndServeTLS(certFile, keyFile string) error {
	l, err := s.listen(":443")
	if err != nil {
		return err
	}
	defer l.Close()
	return s.ServeTLS(l, certFile, keyFile)
}

// listen listens on Addr, or on addr if Addr is empty. It fails if the server
// is closed.
func (s *Server) listen(addr string) (net.Listener, error) {
	if s.isClosing() {
		return nil, ErrServerClosed
	}
	return net.Listen("tcp", cmp.Or(s.Addr, addr))
}

// Serve accepts connections on l, and serves RTMP and the types of RTMPE that Encryption allows on them. It closes l when it returns. It
// returns ErrServerClosed after Shutdown or Close, and otherwise the error of l. Any number of listeners may be served at once.
func (s *Server) Serve(l net.Listener) error { return s.serve(l, nil) }

// ServeTLS is like Serve, for RTMPS. The file names may be empty if TLSConfig has certificates. ServeTLS issues no session tickets:
// connections are long-lived, and RTMPDump treats the session tickets of TLS 1.3 as an error.
func (s *Server) ServeTLS(l net.Listener, certFile, keyFile string) error {
	config := &tls.Config{}
	if s.TLSConfig != nil {
		config = s.TLSConfig.Clone()
	}
	config.SessionTicketsDisabled = true
	if certFile != "" || keyFile != "" {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return err
		}
		config.Certificates = append([]tls.Certificate{pair}, config.Certificates...)
	}
	return s.serve(l, config)
}

// serve accepts connections. After a temporary error, such as too many open files, it tries again after a delay, as net/http does.
func (s *Server) serve(l net.Listener, config *tls.Config) error {
	s.init()
	defer l.Close()
	if !s.hold() {
		return ErrServerClosed
	}
	defer s.running.Done()
	if !join(s, s.listeners, &l) {
		return ErrServerClosed
	}
	defer leave(s, s.listeners, &l)
	var wait time.Duration
	for {
		nc, err := l.Accept()
		if err == nil {
			wait = 0
			s.accepted(nc, config)
			continue
		}
		if s.isClosing() {
			return ErrServerClosed
		}
		var passing interface{ Temporary() bool }
		if !errors.As(err, &passing) || !passing.Temporary() {
			return err
		}
		wait = min(max(5*time.Millisecond, 2*wait), time.Second)
		s.log().Warn("rtmp: cannot accept connections", "error", err, "again", wait)
		time.Sleep(wait)
	}
}

// join adds x to a set of s, unless s is closing.
func join[T comparable](s *Server, set map[T]struct{}, x T) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	set[x] = struct{}{}
	return true
}

func leave[T comparable](s *Server, set map[T]struct{}, x T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(set, x)
}

// hold makes Close wait until running.Done is called. It returns false if Close may already have finished waiting.
func (s *Server) hold() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.running.Add(1)
	}
	return !s.closed
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// accepted serves a connection on its own goroutine, if the limits allow it.
func (s *Server) accepted(nc net.Conn, config *tls.Config) {
	p, err := s.admit(nc.RemoteAddr(), true)
	if err != nil {
		nc.Close()
		return
	}
	go func() {
		ctx := context.Background()
		c := s.newConn(ctx, nc)
		if c.setUp(ctx, config, p) != nil {
			s.leave(p)
			return
		}
		go func() { // a new goroutine, since its stack is smaller than this one's after the handshake
			c.run()
			s.leave(p)
		}()
	}()
}

// ServeConn serves one connection over any transport. It returns when the connection has ended, with the reason. The connection also ends
// when ctx is done.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) error {
	s.init()
	p, err := s.admit(nc.RemoteAddr(), true)
	if err != nil {
		nc.Close()
		return err
	}
	defer s.leave(p)
	c := s.newConn(ctx, nc)
	stop := context.AfterFunc(ctx, func() { c.fail(fmt.Errorf("rtmp: %w", context.Cause(ctx))) })
	defer stop()
	if err := c.setUp(ctx, nil, p); err != nil {
		return err
	}
	return c.run()
}

// Conns returns the clients whose connect has been accepted, in no particular order.
func (s *Server) Conns() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var conns []*Conn
	for c := range s.conns {
		if c.connected.Load() {
			conns = append(conns, c)
		}
	}
	return conns
}

// TunnelHandler returns a handler for RTMPT: POST /open/1, /idle/ID/N, /send/ID/N, /close/ID/N and /fcs/ident2, at the root of a mux.
// On an HTTPS server it serves RTMPTS.
//
// A proxy in front of it that uses httputil.ReverseProxy should call http.ResponseController.EnableFullDuplex for each request. Otherwise
// net/http closes the body of the request when the answer begins. If the proxy has not seen the end of the body by then, it cuts the answer
// off, and so ends the session.
func (s *Server) TunnelHandler() http.Handler { return s.tunnelHandler() }
