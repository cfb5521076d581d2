package testserver

import (
	"cmp"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/selfsigned"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// listen starts to serve on l, in layers: TCP with its faults, TLS, HTTP. What is encrypted by the handshake comes on top.
func (s *Server) listen(l net.Listener) {
	s.listener = l
	if s.cfg.Fault != nil {
		l = &faultyListener{Listener: l, fault: s.cfg.Fault}
	}
	if strings.HasSuffix(s.cfg.Scheme, "s") {
		cfg := s.cfg.TLS
		if cfg == nil {
			cfg = ServerTLS()
		}
		l = tls.NewListener(l, cfg)
	}
	if strings.HasPrefix(s.cfg.Scheme, "rtmpt") {
		s.web = newWebServer(s.serve)
		s.running.Go(func() { s.web.Serve(l) })
		return
	}
	s.running.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			s.running.Go(func() { s.serve(nc) })
		}
	})
}

// serve serves one client until it goes.
func (s *Server) serve(nc net.Conn) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		nc.Close()
		return
	}
	if s.cfg.SessionFault != nil {
		nc = newFaultyConn(nc, s.cfg.SessionFault(s.served))
	}
	s.served++
	session := newSession(s, nc)
	s.sessions[session] = struct{}{}
	s.mu.Unlock()
	session.serve()
	s.mu.Lock()
	delete(s.sessions, session)
	s.mu.Unlock()
}

// shakeHands makes the session's core.
func (s *Session) shakeHands() error {
	cfg := &s.server.cfg
	var config handshake.Config
	if strings.HasSuffix(cfg.Scheme, "e") {
		config.Encryption = cmp.Or(cfg.Encryption, handshake.EncryptionPlain)
	}
	s.nc.SetDeadline(time.Now().Add(handshakeTimeout))
	in := &session.Counted{Conn: s.nc}
	result, err := handshake.Server(in, config)
	if err != nil {
		return err
	}
	s.nc.SetDeadline(time.Time{})
	s.s1Tail = result.S1Tail
	wire := s.nc
	if result.In != nil {
		wire = transport.Encipher(wire, result.In, result.Out)
	}
	core := session.Config{Peer: "client", MaxMessageSize: maxClientMsg, Window: cfg.WindowAckSize, HandshakeBytes: in.Received, Strict: true}
	if cfg.OnMessage != nil {
		core.Tap = func(m *session.Message) (bool, error) { cfg.OnMessage(s, m.Chunks); return false, nil }
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.core = session.New(wire, role{s}, core)
	return nil
}

// webServer is the HTTP server that clients of the tunnel use.
type webServer struct {
	http.Server
	tunnel *transport.TunnelServer
}

func newWebServer(serve func(net.Conn)) *webServer {
	tunnel := transport.NewTunnelServer(serve)
	return &webServer{tunnel: tunnel, Server: http.Server{
		Handler: tunnel, ReadHeaderTimeout: handshakeTimeout, ErrorLog: log.New(io.Discard, "", 0)}}
}

func (w *webServer) close() {
	w.Server.Close()
	w.tunnel.Close()
}

// ServerTLS is what a server uses whose Config.TLS is nil.
func ServerTLS() *tls.Config {
	return selfsigned.Server()
}

// ClientTLS is what a client needs to trust such a server.
func ClientTLS() *tls.Config { return selfsigned.Client() }
