package main

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/web"
	"github.com/go-librtmp/rtmp/server"
)

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute // of a connection without a request; RTMPT's clients poll more often
	maxHeader     = 64 << 10
)

// newHTTPServer is what serves by HTTP. Answers may be endless, so that what bounds a request and an answer is theirs.
func newHTTPServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug)}
}

// site is everything that is served by HTTP.
type site struct {
	settings *settings
	apps     applications
	viewers  viewers

	flv, tunnel, page, other http.Handler
}

func newSite(s *settings, srv *server.Server, apps applications, logger *slog.Logger) *site {
	h := &site{settings: s, apps: apps, flv: srv.FLVHandler(), tunnel: srv.TunnelHandler()}
	h.page = web.New(web.Options{Server: srv, Dir: s.app.root, Logger: logger})
	secret := func(next http.Handler) http.Handler {
		return guarded{s.httpUsers, http.NewCrossOriginProtection().Handler(next)}
	}
	names := secret
	if s.httpPublic {
		names = func(next http.Handler) http.Handler { return next }
	}
	clients := &clients{server: srv, viewers: &h.viewers}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
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
	switch name, isMP4 := strings.CutPrefix(r.URL.Path, "/fmp4/"); {
	case r.Method == http.MethodPost && isTunnel(r.URL.Path):
		h.tunnel.ServeHTTP(w, r)
	case isMP4 && strings.HasSuffix(name, ".mp4"):
		h.media(w, r, strings.TrimSuffix(name, ".mp4"), h.fmp4)
	case strings.HasSuffix(r.URL.Path, ".flv"):
		h.media(w, r, strings.TrimSuffix(r.URL.Path[1:], ".flv"), h.flv.ServeHTTP)
	default:
		h.other.ServeHTTP(w, r)
	}
}

// isTunnel reports whether a path is one of RTMPT's.
func isTunnel(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return slices.Contains([]string{"open", "send", "idle", "close", "fcs"}, first)
}

// media serves a stream to a viewer, also one whose page is from elsewhere.
func (h *site) media(w http.ResponseWriter, r *http.Request, name string, serve http.HandlerFunc) {
	if origin := r.Header.Get("Origin"); origin != "" && h.mayPlay(origin) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Add("Vary", "Origin")
		r.Header.Del("Origin") // which would be asked about again by those who serve WebSockets
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "GET, HEAD")
			w.Header().Set("Access-Control-Allow-Headers", "Range")
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	ctx, leave := h.viewers.enter(r, name)
	defer leave()
	serve(w, r.WithContext(ctx))
}

// mayPlay reports whether pages of an origin may play streams.
func (h *site) mayPlay(origin string) bool {
	return slices.Contains(h.settings.cors, "*") || slices.Contains(h.settings.cors, origin)
}

// fmp4 asks what package server asks for viewers of FLV before the page's handler serves a stream.
func (h *site) fmp4(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/fmp4/"), ".mp4")
	app := h.apps.of(name)
	if app == nil {
		http.NotFound(w, r)
		return
	}
	if app.settings.secureToken != "" || len(app.settings.swfHash) > 0 {
		http.Error(w, "not by HTTP", http.StatusForbidden)
		return
	}
	q := &server.Request{HTTP: r, RemoteAddr: requestAddr(r.RemoteAddr), Path: name, Name: path.Base(name), Query: oneEach(r.URL.Query()),
		Start: server.StartAny, Length: -1, Transport: "fmp4"}
	if err := app.play(r.Context(), q); err != nil {
		text, refused := "refused", (*server.Refusal)(nil)
		if errors.As(err, &refused) {
			text = refused.Description
		}
		http.Error(w, text, http.StatusForbidden)
		return
	}
	defer app.stop(q)
	h.page.ServeHTTP(w, r)
}

// of is the application of a path; nil: there is none.
func (all applications) of(path string) *application {
	first, _, found := strings.Cut(path, "/")
	if !found {
		return nil
	}
	if a := all[first]; a != nil {
		return a
	}
	return all["*"]
}

// oneEach has of each parameter the first value, as Request.Query does.
func oneEach(query url.Values) url.Values {
	for name, values := range query {
		query[name] = values[:1]
	}
	return query
}

// requestAddr is an address as HTTP has it.
type requestAddr string

func (requestAddr) Network() string  { return "http" }
func (a requestAddr) String() string { return string(a) }
