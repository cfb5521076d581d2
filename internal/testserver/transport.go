package testserver

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strings"

	"github.com/go-librtmp/rtmp/internal/selfsigned"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// listen starts serving on l. The layers are TCP with faults, TLS and HTTP; RTMPE is above them.
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

// webServer is the HTTP server of the tunnel.
type webServer struct {
	http.Server
	tunnel *transport.TunnelServer
}

func newWebServer(serve func(net.Conn)) *webServer {
	tunnel := transport.NewTunnelServer(serve)
	return &webServer{tunnel: tunnel, Server: http.Server{
		Handler: tunnel, ReadHeaderTimeout: setupTimeout, ErrorLog: log.New(io.Discard, "", 0)}}
}

func (w *webServer) close() {
	w.Server.Close()
	w.tunnel.Close()
}

// ServerTLS returns the configuration of a server whose Config.TLS is nil.
func ServerTLS() *tls.Config {
	return selfsigned.Server()
}

// ClientTLS returns the configuration of a client that trusts a server with the configuration of ServerTLS.
func ClientTLS() *tls.Config { return selfsigned.Client() }
