package main

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/web"
	"github.com/go-librtmp/rtmp/server"
)

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute // for a connection between requests; RTMPT clients send requests more often
	maxHeader     = 64 << 10
	bodyTimeout   = 30 * time.Second // for a request and its body to arrive; RTMPT extends the time with each part
	answerTimeout = 30 * time.Second // for the whole response, unless it is a stream
)

// newHTTPServer returns the HTTP server. It has no WriteTimeout, since responses may be endless; handlers set their own deadlines. net/http
// waits for a request's body before it sends the response, so the time for the body is limited.
func newHTTPServer(handler http.Handler, logger *slog.Logger) *http.Server {
	bounded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		handler.ServeHTTP(w, r)
	})
	return &http.Server{Handler: bounded, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug)}
}

// site is the handler of all HTTP requests.
type site struct {
	cors    []string
	viewers viewers
	leaving atomic.Bool // the server is shutting down: /healthz makes load balancers send no more clients

	flv, tunnel, page, other http.Handler
}

func newSite(s *settings, srv *server.Server) *site {
	h := &site{cors: s.cors, flv: srv.FLVHandler(), tunnel: notFromPages(srv.TunnelHandler())}
	h.page = web.New(web.Options{Server: srv, Dir: s.app.root})
	secret := func(next http.Handler) http.Handler {
		return guarded{s.httpUsers, http.NewCrossOriginProtection().Handler(next)}
	}
	names := secret
	if s.httpPublic {
		names = func(next http.Handler) http.Handler { return next }
	}
	clients := &clients{server: srv, viewers: &h.viewers}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", h.healthy)
	mux.Handle("GET /metrics", newMetrics(srv))
	mux.Handle("GET /stats", names(srv.StatsHandler()))
	mux.Handle("GET /api/clients", secret(http.HandlerFunc(clients.list)))
	mux.Handle("DELETE /api/clients/{id}", secret(http.HandlerFunc(clients.end)))
	mux.Handle("/", names(h.page))
	h.other = mux
	return h
}

// ServeHTTP implements http.Handler.
func (h *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTimeout)) // the handlers of streams and RTMPT sessions change this deadline
	switch path := r.URL.Path; {
	case r.Method == http.MethodPost && isTunnel(path):
		h.tunnel.ServeHTTP(w, r)
	case strings.HasPrefix(path, "/fmp4/"):
		h.media(w, r, strings.TrimSuffix(path[len("/fmp4/"):], ".mp4"), h.page)
	case strings.HasSuffix(path, ".flv"):
		h.media(w, r, strings.TrimSuffix(path[1:], ".flv"), h.flv)
	default:
		h.other.ServeHTTP(w, r)
	}
}

func (h *site) healthy(w http.ResponseWriter, _ *http.Request) {
	if h.leaving.Load() {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ok\n"))
}

// isTunnel reports whether a path belongs to RTMPT.
func isTunnel(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return slices.Contains([]string{"open", "send", "idle", "close", "fcs"}, first)
}

// notFromPages refuses RTMPT requests of web pages, which have the Origin header. A page whose host name was made to resolve to this server
// could otherwise publish with the rights of the machine that shows it.
func notFromPages(tunnel http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" {
			http.Error(w, "RTMPT is not for web pages", http.StatusForbidden)
			return
		}
		tunnel.ServeHTTP(w, r)
	})
}

// media serves a stream to a viewer. The viewer's page may come from another origin if mayPlay allows it.
func (h *site) media(w http.ResponseWriter, r *http.Request, name string, serve http.Handler) {
	if origin := r.Header.Get("Origin"); origin != "" && h.mayPlay(origin) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Add("Vary", "Origin")
		r.Header.Del("Origin") // otherwise the WebSocket handlers would check the origin again
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "GET, HEAD")
			w.Header().Set("Access-Control-Allow-Headers", "Range")
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	ctx, leave := h.viewers.enter(r, name)
	defer leave()
	serve.ServeHTTP(w, r.WithContext(ctx))
}

// mayPlay reports whether web pages of an origin may play streams.
func (h *site) mayPlay(origin string) bool {
	return slices.Contains(h.cors, "*") || slices.Contains(h.cors, origin)
}
