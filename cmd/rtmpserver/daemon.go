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
	// shutdownTimeout is how long the server waits for clients to disconnect.
	shutdownTimeout = 5 * time.Second
	// cutTimeout is how long it may take to tell HTTP/2 viewers that their responses were cut off.
	cutTimeout = time.Second
	// endTimeout is how long the hooks may take that are called when the server ends.
	endTimeout = 10 * time.Second
)

// daemon is the server with its listeners.
type daemon struct {
	server      *server.Server
	settings    *settings
	certificate *certificate
	apps        applications
	logger      *slog.Logger
	site        *site               // nil if there is no HTTP listener
	http        *http.Server        // serves site
	addrs       map[string]net.Addr // addresses by protocol: rtmp, rtmps, http, https

	serving sync.WaitGroup
	failed  chan error // receives the first error of a listener
}

func newDaemon(s *settings, c *certificate, logger *slog.Logger) (_ *daemon, err error) {
	d := &daemon{settings: s, certificate: c, logger: logger, addrs: make(map[string]net.Addr), failed: make(chan error, 4)}
	d.server = &server.Server{ChunkSize: s.chunkSize, WindowAckSize: s.windowAckSize, MaxMessageSize: int(s.maxMessage), MaxConns: s.maxConns,
		MaxConnsPerIP: s.maxConnsPerIP, MaxStreams: s.maxStreams, SetupTimeout: s.setup, IdleTimeout: s.idle, WriteTimeout: s.write,
		TrustedProxies: s.trustedProxies, Logger: logger}
	if s.rtmpe {
		d.server.Encryption = handshake.EncryptionBlowfish // weaker types are also accepted
	}
	if c != nil {
		d.server.TLSConfig = c.config()
	}
	if s.capture != "" {
		if d.server.Capture, err = captures(s.capture, logger); err != nil {
			return nil, err
		}
	}
	if d.apps, err = newApplications(s, d.server, logger); err != nil {
		return nil, err
	}
	if s.http != "" || s.https != "" {
		d.site = newSite(s, d.server)
		d.http = newHTTPServer(d.site, logger)
		s.limitHTTP(d.http, logger)
		if c != nil {
			d.http.TLSConfig = c.config()
		}
	}
	return d, nil
}

// listen opens all listeners and serves them.
func (d *daemon) listen() error {
	s := d.settings
	at := func(port uint16) string { return net.JoinHostPort(s.host, strconv.Itoa(int(port))) }
	for _, service := range []struct {
		protocol, address string
		is                bool
		serve             func(net.Listener) error
	}{
		{"rtmp", at(s.port), true, d.server.Serve},
		{"rtmps", at(s.tlsPort), d.certificate != nil, func(l net.Listener) error { return d.server.ServeTLS(l, "", "") }},
		{"http", string(s.http), s.http != "", func(l net.Listener) error { return d.http.Serve(l) }},
		{"https", string(s.https), s.https != "", func(l net.Listener) error { return d.http.ServeTLS(l, "", "") }},
	} {
		if !service.is {
			continue
		}
		l, err := net.Listen("tcp", service.address)
		if err != nil {
			return err
		}
		d.logger.Info("listening", "protocol", service.protocol, "address", l.Addr().String())
		d.addrs[service.protocol] = l.Addr()
		if service.protocol == "rtmp" {
			d.server.Addr = l.Addr().String() // for the page, which shows the address for publishing
		}
		d.serving.Go(func() {
			if err := service.serve(l); !errors.Is(err, server.ErrServerClosed) && !errors.Is(err, http.ErrServerClosed) {
				d.failed <- err
			}
		})
	}
	return nil
}

// run handles signals until the daemon ends.
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
			if d.site != nil {
				d.site.leaving.Store(true)
			}
			d.logger.Info("shutting down; a second signal ends the wait for clients", "signal", sig.String())
			d.shutdown(signals)
			return nil
		}
	}
}

// reload reads the certificate and the keys again.
func (d *daemon) reload() {
	if err := errors.Join(d.certificate.reload(), d.apps.reload()); err != nil {
		d.logger.Error("reload failed: what can't be read remains unchanged", "error", err)
		return
	}
	d.logger.Info("certificates and keys reloaded")
}

// shutdown waits for clients to disconnect, until shutdownTimeout or another signal.
func (d *daemon) shutdown(signals <-chan os.Signal) {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	over := make(chan struct{})
	go func() {
		defer close(over)
		d.server.Shutdown(ctx) // the HTTP server is still running, so that viewers and RTMPT clients are notified
		d.close()
	}()
	for {
		select {
		case <-over:
			return
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				d.logger.Warn("not waiting for clients")
				d.server.Close() // completes recordings
				return
			}
		}
	}
}

// close closes everything.
func (d *daemon) close() {
	d.server.Close()
	if d.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), cutTimeout)
		defer cancel()
		d.http.Shutdown(ctx) // without it, some HTTP/2 clients would consider their responses complete, such as curl 7.88
		d.http.Close()
	}
	d.serving.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	d.apps.close(ctx)
}
