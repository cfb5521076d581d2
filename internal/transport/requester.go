package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/internal/quote"
)

const (
	// maxAnswerHeader limits the header of an answer, in bytes.
	maxAnswerHeader = 64 << 10
	// headerBuffer is the size of net/http's buffer for reading, in bytes. A read of a body with a larger slice bypasses the buffer.
	headerBuffer = 4 << 10
	// httpBuffer is the size of net/http's buffer for writing, in bytes.
	httpBuffer = 64 << 10
)

// DialTunnel begins an RTMPT session with the server at addr, "host:port", by HTTP, or by HTTPS if secure is set. The error is a
// *TunnelError, which may wrap an error of Dial or DialTLS. ctx does not affect the session after DialTunnel has returned.
//
// Write blocks only if 128 KiB are already queued. If sending fails, a later call returns the error. Bytes that are written while a request
// is in progress share the next request. Up to 128 KiB of received bytes are queued for Read, and up to 4 MiB while a Write is blocked.
// CloseWrite returns at once. Read then returns io.EOF when all written bytes have been sent and the server has no more data. Close takes
// at most a quarter of a second to send the written bytes and to close the session.
func (d *Dialer) DialTunnel(ctx context.Context, addr string, secure bool) (net.Conn, error) {
	host, _, err := splitTarget(addr)
	if err == nil {
		err = d.allow(host)
	}
	if err != nil {
		return nil, &TunnelError{Op: "open", Err: err}
	}
	d.near.Store(int32(hostNearness(host)))
	scheme := "http"
	if secure {
		scheme = "https"
	}
	var client http.Client
	var forwarder *proxyServer
	own := func() {}
	if d.cfg.HTTPClient != nil {
		client = *d.cfg.HTTPClient
	} else {
		transport, p, err := d.httpTransport(scheme, addr)
		if err != nil {
			return nil, &TunnelError{Op: "open", Err: err}
		}
		forwarder = p
		own = transport.CloseIdleConnections
		client.Transport = transport
	}
	// A server must not choose where media is sent.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t := &tunnel{http: &requester{client: &client, scheme: scheme, addr: addr, forwarder: forwarder, close: own}, done: make(chan struct{}),
		credit: maxCredit}
	local, remote := net.Addr(tunnelAddr("")), net.Addr(tunnelAddr(addr))
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		local, remote = info.Conn.LocalAddr(), info.Conn.RemoteAddr()
	}})
	if err := t.open(traced, d.cfg.Ident); err != nil {
		own()
		return nil, err
	}
	t.duplex.init(local, remote)
	ending, abandon := context.WithCancel(context.WithoutCancel(ctx))
	running, cancel := context.WithCancel(ending)
	t.cancel, t.abandon = cancel, abandon
	t.poll.set(time.Now().Add(minPoll), t.wake) // do not poll at once, since the client usually sends first
	t.nextSend.set(time.Now(), t.wake)
	go t.run(running, ending)
	return t, nil
}

// tunnelAddr is the address of a tunnel whose socket is unknown.
type tunnelAddr string

func (tunnelAddr) Network() string  { return "tcp" }
func (a tunnelAddr) String() string { return string(a) }

// httpTransport returns an http.Transport for one tunnel, which makes HTTP/1.1 connections according to Config. If there is an HTTP proxy,
// requests of an unencrypted tunnel are sent to the proxy, which forwards them. CONNECT is not used for these requests, since proxies often
// allow it only for the ports of TLS servers. forwarder is that proxy, or nil.
func (d *Dialer) httpTransport(scheme, addr string) (_ *http.Transport, forwarder *proxyServer, _ error) {
	p, err := d.proxyFor(scheme, addr)
	if err != nil {
		return nil, nil, err
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return d.dialFor(ctx, scheme, addr)
		},
		DialTLSContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return d.dialTLSFor(ctx, scheme, addr)
		},
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // no HTTP/2
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxAnswerHeader,
		ReadBufferSize:         headerBuffer,
		WriteBufferSize:        httpBuffer,
	}
	if scheme == "http" && p != nil && strings.HasPrefix(p.scheme, "http") {
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: p.addr, User: p.user})
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return p.connect(ctx, d) }
		forwarder = p
	}
	return transport, forwarder, nil
}

// requester makes the requests of a tunnel.
type requester struct {
	client       *http.Client
	scheme, addr string
	forwarder    *proxyServer // the HTTP proxy that forwards the requests; nil if there is none
	close        func()       // closes the connections of client, if client is not Config.HTTPClient
}

// tunnelHeader is exactly the header that librtmp sends. crtmpserver keeps connections alive only for this spelling of Keep-Alive.
var tunnelHeader = http.Header{
	"Accept":        {"*/*"},
	"User-Agent":    {"Shockwave Flash"},
	"Connection":    {"Keep-Alive"},
	"Cache-Control": {"no-cache"},
	"Content-Type":  {"application/x-fcs"},
}

// post makes a request. A nil body means that the request carries no data. If the answer is successful, receive reads its body; sized says
// that the length of that body was announced. If post returns nil, the server has received the whole body of the request. The error is a
// *TunnelError.
func (q *requester) post(ctx context.Context, op, path string, body []byte, receive func(r io.Reader, sized bool) error) error {
	answer, up, err := q.send(ctx, path, body)
	if err != nil {
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err // the outer error contains the URL and so the session id
		}
		return lost(op, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return q.refused(op, answer.StatusCode)
	}
	if coding := answer.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return &TunnelError{Op: op, Detail: "the answer is compressed: " + quote.Text(coding, 40)}
	}
	if kind := answer.Header.Get("Content-Type"); !carriesTunnel(kind) {
		return &TunnelError{Op: op, Detail: "the answer is " + quote.Text(kind, 40) +
			", not application/x-fcs: a page of a proxy or a web server?"}
	}
	if err := receive(answer.Body, answer.ContentLength >= 0); err != nil {
		return lost(op, err)
	}
	answer.Body.Close()
	return up.sent(ctx, op)
}

// refused returns the error for an answer with another status than OK.
func (q *requester) refused(op string, status int) *TunnelError {
	e := &TunnelError{Op: op, Status: status}
	if p := q.forwarder; p != nil && demandsLogin(status) {
		e.Err = p.fail(p.loginAdvice(), nil)
	}
	return e
}

// tunnelURL returns the URL of a request. It also sets RawPath, so that the path is sent unchanged. Otherwise some characters would be
// escaped.
func tunnelURL(scheme, addr, path string) *url.URL {
	return &url.URL{Scheme: scheme, Host: addr, Path: path, RawPath: path}
}

// lost returns the error for a request that failed with err. A timeout below HTTP must differ from a deadline of the tunnel, since after a
// deadline the tunnel can still be used. If net/http has closed the connection because the server hung up, the error must differ from that
// of a tunnel that its user has closed.
func lost(op string, err error) *TunnelError {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &TunnelError{Op: op, Detail: err.Error()}
	case errors.Is(err, net.ErrClosed):
		err = io.ErrUnexpectedEOF
	}
	return &TunnelError{Op: op, Err: noEOF(err)}
}

// send sends a request and waits for the answer. It retries once if the connection was kept from an earlier request and has ended before
// the first byte of the answer. Proxies close such connections without notice (Tinyproxy after each answer), and browsers retry, too.
// net/http itself repeats a POST only if no byte of the request has been sent.
func (q *requester) send(ctx context.Context, path string, body []byte) (*http.Response, *upload, error) {
	for again := true; ; again = false {
		var kept, answered atomic.Bool // set by goroutines of net/http
		traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn:              func(info httptrace.GotConnInfo) { kept.Store(info.Reused) },
			GotFirstResponseByte: func() { answered.Store(true) },
		})
		up := newUpload(body)
		request := (&http.Request{Method: http.MethodPost, URL: tunnelURL(q.scheme, q.addr, path),
			Header: tunnelHeader.Clone(), Body: up, ContentLength: int64(len(body)),
			GetBody: func() (io.ReadCloser, error) {
				up = newUpload(body)
				return up, nil
			}}).WithContext(traced)
		if len(body) == 0 {
			up.Close()
			request.GetBody = noData
			request.Body, _ = noData()
			request.ContentLength = 1
		}
		answer, err := q.client.Do(request)
		if err != nil && ctx.Err() == nil && again && kept.Load() && up.ended(ctx) && !answered.Load() {
			continue
		}
		return answer, up, err
	}
}

// carriesTunnel reports whether a content type may be that of a tunnel. This includes the default types of servers.
func carriesTunnel(contentType string) bool {
	kind, _, _ := mime.ParseMediaType(contentType)
	switch kind {
	case "application/x-fcs", "application/octet-stream", "text/plain":
		return true
	}
	return contentType == ""
}

// noData returns the body of a request without data, a zero, since some servers refuse an empty body. net/http sends it together with the
// header, because it knows that bytes.Reader does not wait.
func noData() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte{0})), nil }

// upload is the data of a request. Its bytes belong to net/http until net/http closes the body, which may be after the answer has arrived.
type upload struct {
	mu     sync.Mutex
	rest   []byte
	closed chan struct{}
}

func newUpload(b []byte) *upload { return &upload{rest: b, closed: make(chan struct{})} }

func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

func (u *upload) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	select {
	case <-u.closed:
	default:
		close(u.closed)
	}
	return nil
}

// ended waits until net/http has closed the body. It returns false if ctx is done first.
func (u *upload) ended(ctx context.Context) bool {
	select {
	case <-u.closed:
		return true
	case <-ctx.Done():
		return false
	}
}

// sent waits until net/http no longer uses the bytes of the request. It returns an error if the request was not sent completely.
func (u *upload) sent(ctx context.Context, op string) error {
	if !u.ended(ctx) {
		return &TunnelError{Op: op, Err: ctx.Err()}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.rest) > 0 {
		return &TunnelError{Op: op, Detail: "the server answered before it had received the whole request"}
	}
	return nil
}
