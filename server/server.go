package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/handshake"
)

// Defaults of Server's fields.
const (
	defaultChunkSize    = 65536
	defaultWindow       = 2_500_000
	defaultMaxMessage   = 8 << 20
	defaultMaxStreams   = 16
	defaultSetupTimeout = 10 * time.Second
	defaultIdleTimeout  = 60 * time.Second
	defaultWriteTimeout = 20 * time.Second

	// beforeConnect is the longest message in bytes until connect is accepted.
	beforeConnect = 64 << 10
	// lingerTimeout is how long a client may take to close the connection after the server has ended it.
	lingerTimeout = 5 * time.Second
)

// ErrServerClosed is returned by Serve, ListenAndServe and their TLS forms after Shutdown or Close.
var ErrServerClosed = errors.New("server: closed")

// Server is an RTMP server. The zero value relays live streams of any application on :1935. Fields are not changed once it serves.
type Server struct {
	Addr       string               // of ListenAndServe; "": ":1935"
	Apps       map[string]*App      // by the first element of connect's app; "*": any other; nil: the zero App for all
	TLSConfig  *tls.Config          // of ServeTLS
	Encryption handshake.Encryption // RTMPE is accepted beside plain RTMP; EncryptionNone: refused

	ChunkSize      int           // sent; 0: 65536, so that nearly every message is one chunk
	WindowAckSize  uint32        // in bytes; 0: 2500000
	MaxMessageSize int           // received, in bytes; 0: 8 MiB. 64 KiB until connect is accepted, whatever this says
	MaxConns       int           // 0: no limit. Beyond it connections are closed at accept
	MaxConnsPerIP  int           // likewise, by IPv4 address or IPv6 /64
	MaxStreams     int           // of one connection; 0: 16
	SetupTimeout   time.Duration // accept to the connect command, TLS and handshake included; 0: 10 s. App.Connect's own time is not counted
	IdleTimeout    time.Duration // without a byte from the client; it is pinged at half time; 0: 60 s
	WriteTimeout   time.Duration // without a byte taken by the client, while some wait; 0: 20 s

	// TrustedProxies are those whose PROXY protocol (v1, v2) and X-Forwarded-For are believed; nil: nobody's.
	TrustedProxies []netip.Prefix
	// ConnContext gives a connection's context values for hooks. It is called before anything is read.
	ConnContext func(ctx context.Context, nc net.Conn) context.Context
	// Capture says where a connection is recorded, for package capture to read and to play again; nil: it is not. It is called after
	// the handshake: of the Conn only ID, RemoteAddr, TLS and Context may be asked yet. What is recorded is what is sent and received,
	// without what is secret. Each Write is a whole block of the format, at most about a second after what is in it; Close comes at
	// the end. A writer that fails or takes nothing for 5 s ends the recording, not the connection, which waits for it so long.
	Capture func(c *Conn) io.WriteCloser
	// Logger has attributes conn, remote, app and stream; nil: slog.Default.
	Logger *slog.Logger

	setup   sync.Once
	relay   relay // the live streams
	shared  sharedObjects
	auth    authServers
	running sync.WaitGroup // accepting goroutines, connections, recordings, and what waits for them
	counts  counts
	lastID  atomic.Uint64

	mu        sync.Mutex // guards the rest
	closing   bool       // nobody is let in any more
	closed    bool       // by Close
	listeners map[*net.Listener]struct{}
	conns     map[*Conn]struct{}
	admitted  int                  // connections and viewers
	perIP     map[netip.Prefix]int // of them; of addresses that are known
	tunnel    *tunnel              // nil: nobody has asked for it
	viewers   map[*viewer]struct{} // by HTTP
	folders   map[*Files]*folder
}

// init makes what Server's zero value lacks.
func (s *Server) init() {
	s.setup.Do(func() {
		s.listeners = make(map[*net.Listener]struct{})
		s.conns = make(map[*Conn]struct{})
		s.perIP = make(map[netip.Prefix]int)
		s.viewers = make(map[*viewer]struct{})
		s.folders = make(map[*Files]*folder)
		s.relay.init(s)
	})
}

// orDefault is v, or def if v is 0; none if v is negative.
func orDefault[T int | int64 | time.Duration](v, def, none T) T {
	if v < 0 {
		return none
	}
	return cmp.Or(v, def)
}

func (s *Server) chunkSize() int { return orDefault(s.ChunkSize, defaultChunkSize, defaultChunkSize) }

func (s *Server) log() *slog.Logger {
	if s.Logger != nil {
		return s.Logger
	}
	return slog.Default()
}

// ListenAndServe serves RTMP on Addr until Shutdown or Close, and returns ErrServerClosed then.
func (s *Server) ListenAndServe() error {
	l, err := net.Listen("tcp", cmp.Or(s.Addr, ":1935"))
	if err != nil {
		return err
	}
	return s.Serve(l)
}

// ListenAndServeTLS is ListenAndServe for RTMPS; Addr "" means ":443".
func (s *Server) ListenAndServeTLS(certFile, keyFile string) error {
	l, err := net.Listen("tcp", cmp.Or(s.Addr, ":443"))
	if err != nil {
		return err
	}
	defer l.Close()
	return s.ServeTLS(l, certFile, keyFile)
}

// Serve serves RTMP, and RTMPE as Encryption says, to the connections of l, which it closes. It returns ErrServerClosed after
// Shutdown or Close, else the error of l. There may be any number of Serve at once.
func (s *Server) Serve(l net.Listener) error { return s.serve(l, nil) }

// ServeTLS is Serve for RTMPS. The files may be "" if TLSConfig has certificates. There are no session tickets: connections live long,
// and RTMPDump takes one of TLS 1.3 for an error.
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

// serve accepts connections. Errors that pass, such as too many open files, are waited out as in net/http.
func (s *Server) serve(l net.Listener, config *tls.Config) error {
	s.init()
	defer l.Close()
	if !s.track(&l) {
		return ErrServerClosed
	}
	defer s.untrack(&l)
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
		s.log().Warn("rtmp: accept", "error", err, "again", wait)
		time.Sleep(wait)
	}
}

// track makes Shutdown and Close close l, and wait for its Serve. It reports false if they have been called.
func (s *Server) track(l *net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.listeners[l] = struct{}{}
	s.running.Add(1)
	return true
}

func (s *Server) untrack(l *net.Listener) {
	s.mu.Lock()
	delete(s.listeners, l)
	s.mu.Unlock()
	s.running.Done()
}

// hold makes Close wait for running.Done. It reports false if Close may have waited already.
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

// accepted serves a connection on a goroutine of its own, if there is room for it.
func (s *Server) accepted(nc net.Conn, config *tls.Config) {
	p, err := s.admit(nc.RemoteAddr())
	if err != nil {
		nc.Close()
		return
	}
	go func() {
		defer s.leave(p)
		s.serveConn(context.Background(), nc, config, p)
	}()
}

// ServeConn serves one connection, of any transport, until it ends, and returns why it has. ctx ends it, too.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) error {
	s.init()
	p, err := s.admit(nc.RemoteAddr())
	if err != nil {
		nc.Close()
		return err
	}
	defer s.leave(p)
	return s.serveConn(ctx, nc, nil, p)
}

// Conns are the clients whose connect has been accepted.
func (s *Server) Conns() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var conns []*Conn
	for c := range s.conns {
		if c.isConnected() {
			conns = append(conns, c)
		}
	}
	return conns
}

// TunnelHandler is RTMPT: POST /open/1, /idle/ID/N, /send/ID/N, /close/ID/N and /fcs/ident2, for the root of any mux. On an HTTPS
// server it is RTMPTS.
func (s *Server) TunnelHandler() http.Handler { return s.tunnelHandler() }
