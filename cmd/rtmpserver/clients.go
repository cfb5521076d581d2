package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/server"
)

// viewers contains the viewers of streams over HTTP.
type viewers struct {
	mu   sync.Mutex
	last uint64
	all  map[string]*viewer
}

type viewer struct {
	remote, path string
	since        time.Time
	end          context.CancelFunc
}

// enter registers a viewer until leave is called. The context ends when the viewer is disconnected.
func (v *viewers) enter(r *http.Request, path string) (_ context.Context, leave func()) {
	ctx, cancel := context.WithCancel(r.Context())
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all == nil {
		v.all = make(map[string]*viewer)
	}
	v.last++
	id := "http-" + strconv.FormatUint(v.last, 10)
	v.all[id] = &viewer{remote: r.RemoteAddr, path: path, since: time.Now(), end: cancel}
	return ctx, func() {
		cancel()
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.all, id)
	}
}

// clients lists and disconnects clients.
type clients struct {
	server  *server.Server
	viewers *viewers
}

// client describes a client in JSON.
type client struct {
	ID       string     `json:"id"`
	Remote   string     `json:"remote"`
	App      string     `json:"app,omitempty"`
	User     string     `json:"user,omitempty"`
	BytesIn  uint64     `json:"bytes_in"`
	BytesOut uint64     `json:"bytes_out"`
	Since    *time.Time `json:"since,omitempty"` // HTTP viewers only
	Streams  []stream   `json:"streams"`
}

// stream describes a stream that a client publishes or plays, in JSON.
type stream struct {
	Path      string `json:"path"`
	Does      string `json:"does"` // publish or play
	Transport string `json:"transport"`
}

func (c *clients) list(w http.ResponseWriter, _ *http.Request) {
	all := []client{}
	for _, conn := range c.server.Conns() {
		stats := conn.Stats()
		one := client{ID: strconv.FormatUint(conn.ID(), 10), Remote: conn.RemoteAddr().String(), App: conn.App(), User: conn.User(),
			BytesIn: stats.BytesIn, BytesOut: stats.BytesOut, Streams: []stream{}}
		for _, r := range conn.Streams() {
			does := "play"
			if r.Kind != "" {
				does = "publish"
			}
			one.Streams = append(one.Streams, stream{r.Path, does, r.Transport})
		}
		all = append(all, one)
	}
	c.viewers.mu.Lock()
	for id, v := range c.viewers.all {
		all = append(all, client{ID: id, Remote: v.remote, Since: &v.since, Streams: []stream{{v.path, "play", "http"}}})
	}
	c.viewers.mu.Unlock()
	slices.SortFunc(all, func(a, b client) int {
		if n := len(a.ID) - len(b.ID); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(all)
}

func (c *clients) end(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	c.viewers.mu.Lock()
	v := c.viewers.all[id]
	c.viewers.mu.Unlock()
	if v != nil {
		v.end()
		w.WriteHeader(http.StatusNoContent)
		return
	}
	for _, conn := range c.server.Conns() {
		if strconv.FormatUint(conn.ID(), 10) == id {
			conn.Reject(server.Deny("disconnected by the operator"))
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	http.Error(w, "no such client", http.StatusNotFound)
}
