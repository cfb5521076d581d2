package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/server"
)

const (
	// shutdownTimeout is how long clients may take to leave by themselves.
	shutdownTimeout = 5 * time.Second
	// endTimeout is how long hooks may take to be told the rest.
	endTimeout = 10 * time.Second
)

// daemon is the server with all that it listens at.
type daemon struct {
	server      *server.Server
	settings    *settings
	certificate *certificate
	apps        applications
	logger      *slog.Logger
	http        *http.Server // nil: there is no HTTP

	rtmpAddr, rtmpsAddr, httpAddr, httpsAddr net.Addr // nil: not served

	serving sync.WaitGroup
	failed  chan error // the first error of what serves
}

func newDaemon(s *settings, c *certificate, logger *slog.Logger) (*daemon, error) {
	d := &daemon{settings: s, certificate: c, logger: logger, failed: make(chan error, 4)}
	d.server = &server.Server{ChunkSize: s.chunkSize, WindowAckSize: s.windowAckSize, MaxMessageSize: int(s.maxMessage), MaxConns: s.maxConns,
		MaxConnsPerIP: s.maxConnsPerIP, MaxStreams: s.maxStreams, SetupTimeout: s.setup, IdleTimeout: s.idle, WriteTimeout: s.write,
		TrustedProxies: s.trustedProxies, Logger: logger}
	if s.rtmpe {
		d.server.Encryption = handshake.EncryptionBlowfish // and all before it
	}
	if c != nil {
		d.server.TLSConfig = c.config()
	}
	var err error
	if d.apps, err = newApplications(s, d.server, logger); err != nil {
		return nil, err
	}
	if s.http != "" || s.https != "" {
		d.http = newHTTPServer(newSite(s, d.server), logger)
		if c != nil {
			d.http.TLSConfig = c.config()
		}
	}
	return d, nil
}

// listen listens at everything, and serves it.
func (d *daemon) listen() (err error) {
	s := d.settings
	at := func(port uint16) string { return net.JoinHostPort(s.host, strconv.Itoa(int(port))) }
	if d.rtmpAddr, err = d.serve("rtmp", at(s.port), d.server.Serve); err != nil {
		return err
	}
	if d.certificate != nil {
		serve := func(l net.Listener) error { return d.server.ServeTLS(l, "", "") }
		if d.rtmpsAddr, err = d.serve("rtmps", at(s.tlsPort), serve); err != nil {
			return err
		}
	}
	if s.http != "" {
		if d.httpAddr, err = d.serve("http", s.http, d.http.Serve); err != nil {
			return err
		}
	}
	if s.https != "" {
		serve := func(l net.Listener) error { return d.http.ServeTLS(l, "", "") }
		if d.httpsAddr, err = d.serve("https", s.https, serve); err != nil {
			return err
		}
	}
	return nil
}

// serve listens at an address, and has serve serve it on a goroutine of its own.
func (d *daemon) serve(what, addr string, serve func(net.Listener) error) (net.Addr, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	d.logger.Info("listening", "protocol", what, "address", l.Addr().String())
	d.serving.Go(func() {
		err := serve(l)
		if !errors.Is(err, server.ErrServerClosed) && !errors.Is(err, http.ErrServerClosed) {
			d.failed <- err
		}
	})
	return l.Addr(), nil
}

// run waits for signals, and does what they say.
func (d *daemon) run(signals <-chan os.Signal) error {
	for {
		select {
		case err := <-d.failed:
			d.close()
			return err
		case sig := <-signals:
			if sig == syscall.SIGHUP {
				d.reload()
				continue
			}
			d.logger.Info("shutting down; the same signal again ends it at once", "signal", sig.String())
			d.shutdown(signals)
			return nil
		}
	}
}

// reload reads again what may have changed.
func (d *daemon) reload() {
	if err := errors.Join(d.certificate.reload(), d.apps.reload()); err != nil {
		d.logger.Error("not all could be read again: what can't stays as it was", "error", err)
		return
	}
	d.logger.Info("certificates and keys were read again")
}

// shutdown lets clients leave for a while. Another signal ends the wait.
func (d *daemon) shutdown(signals <-chan os.Signal) {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	over := make(chan struct{})
	go func() {
		defer close(over)
		d.server.Shutdown(ctx) // HTTP is still served: viewers and tunnels are told that they end
		d.close()
	}()
	for {
		select {
		case <-over:
			return
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				d.logger.Warn("ending at once")
				d.server.Close() // which completes recordings
				return
			}
		}
	}
}

// close ends everything.
func (d *daemon) close() {
	d.server.Close()
	if d.http != nil {
		d.http.Close()
	}
	d.serving.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	d.apps.close(ctx)
}
