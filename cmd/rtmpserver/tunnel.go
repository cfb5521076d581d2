package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/go-librtmp/rtmp/internal/transport"
)

const (
	// dialTimeout is how long connecting to the target of --tunnel may take.
	dialTimeout = 10 * time.Second
	// lingerTimeout is how long the target may take to close the connection after the client has closed the tunnel.
	lingerTimeout = 5 * time.Second
)

// forward serves only RTMPT, and forwards it to another server until a signal ends the command.
func (s *settings) forward(stdout io.Writer, c *certificate, logger *slog.Logger, signals <-chan os.Signal) error {
	l, err := net.Listen("tcp", string(s.tunnel))
	if err != nil {
		return err
	}
	tunnel := transport.NewTunnelServer(func(nc net.Conn) {
		if err := connect(nc, string(s.target)); err != nil {
			logger.Info("tunnel ended", "remote", nc.RemoteAddr().String(), "error", err)
		}
	})
	defer tunnel.Close()
	srv := newHTTPServer(notFromPages(tunnel), logger)
	s.limitHTTP(srv, logger)
	scheme, serve := "rtmpt", srv.Serve
	if c != nil {
		srv.TLSConfig = c.config()
		scheme, serve = "rtmpts", func(l net.Listener) error { return srv.ServeTLS(l, "", "") }
	}
	failed := make(chan error, 1)
	go func() { failed <- serve(l) }()
	defer srv.Close()
	logger.Info("forwarding", "protocol", scheme, "address", l.Addr().String(), "target", string(s.target))
	fmt.Fprintf(stdout, "%s://%s/ forwards to rtmp://%s/\n", scheme, shown(l.Addr(), scheme), s.target)
	for {
		select {
		case err := <-failed:
			return err
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				return nil
			}
			if err := c.reload(); err != nil {
				logger.Error("reload failed: the certificate remains unchanged", "error", err)
			}
		}
	}
}

// connect connects to the target, and copies in both directions between the target and a tunnelled connection until either ends. The target
// can read everything that the client has sent. If its connection were closed at once, a reset could prevent that.
func connect(tunnelled net.Conn, target string) error {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	var dialer net.Dialer
	direct, err := dialer.DialContext(ctx, "tcp", target)
	if err != nil {
		return err
	}
	defer direct.Close()
	var both sync.WaitGroup
	errs := make([]error, 2)
	both.Go(func() {
		_, errs[0] = io.Copy(direct, tunnelled)
		direct.(*net.TCPConn).CloseWrite()
		direct.SetReadDeadline(time.Now().Add(lingerTimeout))
	})
	both.Go(func() {
		_, errs[1] = io.Copy(tunnelled, direct)
		left := errors.Is(errs[1], io.ErrClosedPipe) || errors.Is(errs[1], io.ErrUnexpectedEOF)
		if !left { // if the client has left, what it has sent may not have been read yet
			tunnelled.Close() // the client can still fetch the bytes that were written before
		}
		io.Copy(io.Discard, direct)
	})
	both.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
	return nil
}
