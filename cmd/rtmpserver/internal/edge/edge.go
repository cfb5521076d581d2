// Package edge connects an application to other RTMP servers. It fetches streams from another server while they have players here, and it
// publishes to other servers the streams that are published here.
package edge

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/relay"
	"github.com/go-librtmp/rtmp/server"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

const (
	// maxVia is the maximum number of servers through which a stream may come. maxID is the maximum length of their ids in bytes.
	maxVia = 8
	maxID  = 64
	// defaultLinger is package server's default for Live.Linger.
	defaultLinger = 5 * time.Second
)

// viaField is the property of connect's command object that contains the ids of the servers through which a stream has come, the last
// server first. A server refuses a client that sends the server's own id, which prevents loops.
const viaField = "rtmpserverVia"

// minWait is how long a pull waits for its stream before it may be ended to make room for another one.
const minWait = time.Second

// backoff is the delay before connecting to a server again. It is short, since players are waiting.
var backoff = relay.Backoff{Min: 250 * time.Millisecond, Max: 3 * time.Second}

// Options configure an Edge.
type Options struct {
	Server *server.Server
	ID     string // identifies Server among the connected servers
	Logger *slog.Logger

	Pull     string        // URL from which streams are fetched; "" means that none are fetched
	Idle     time.Duration // how long a stream without players is kept
	MaxPulls int           // maximum number of streams that are fetched at once; protects against clients that request random names
	Push     []string      // URLs to which streams are published
	Linger   time.Duration // Live.Linger of the application
}

// Edge fetches and forwards the streams of one application. Its methods may be called from any goroutine.
type Edge struct {
	options Options
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu        sync.Mutex // guards the fields below
	players   map[string]int
	published map[string]int // number of the application's clients that publish a stream, by path
	pulls     map[string]*pull
	waiting   map[string][]string // streams that have players but can't be fetched until another pull ends: their pull.via, by path
	pushes    map[string]*push
}

// New returns an Edge.
func New(o Options) *Edge {
	if o.Linger == 0 {
		o.Linger = defaultLinger
	}
	e := &Edge{options: o, players: make(map[string]int), published: make(map[string]int),
		pulls: make(map[string]*pull), waiting: make(map[string][]string), pushes: make(map[string]*push)}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// Check returns an error if url is not valid for Options.Pull or Push.
func Check(url string) error {
	c, err := rtmp.New(url, &rtmp.Options{Playpath: "name"})
	if err != nil {
		return err
	}
	return c.Close()
}

// Connect must be called by App.Connect. It refuses a server that would send a stream back to where the stream has come from.
func (e *Edge) Connect(c *server.Conn) error {
	via := viaOf(c)
	switch tooLong := func(id string) bool { return len(id) > maxID }; {
	case slices.Contains(via, e.options.ID):
		return server.Deny("the stream comes from this server: a loop")
	case len(via) > maxVia || slices.ContainsFunc(via, tooLong):
		return server.Deny("the stream has come through too many servers")
	}
	return nil
}

// viaOf returns the ids of the servers through which a client's streams have come.
func viaOf(c *server.Conn) []string {
	if c == nil {
		return nil
	}
	object, _ := c.Connect().Object.(amf.Object)
	value, _ := object.Get(viaField)
	text, _ := value.(string)
	if text == "" {
		return nil
	}
	return strings.SplitN(text, " ", maxVia+2)
}

// target returns the URL and the options for fetching or publishing a stream. base is a URL of Options.
func (e *Edge) target(base, path string, via []string) (url string, o *rtmp.Options) {
	app, name, _ := strings.Cut(path, "/")
	o = &rtmp.Options{ConnectFields: amf.Object{{Name: viaField, Value: strings.Join(append([]string{e.options.ID}, via...), " ")}}}
	address, _, _ := strings.Cut(base, " ")
	u, err := rtmpurl.Parse(address)
	if err != nil { // impossible, since Check has parsed the URL
		return base, o
	}
	if u.Playpath == "" || u.Playpath[0] == '?' {
		o.Playpath = name + u.Playpath // not in the URL, since a name in the URL could add options
	}
	if u.App == "" {
		o.App = app
	}
	return base, o
}

// Played must be called by App.Play. From then on, the stream has a player, until Left is called. A player that asks for a recording from
// its beginning may not know that the stream is live, so it also waits for the live stream.
func (e *Edge) Played(r *server.Request) error {
	if e.options.Pull == "" {
		return nil
	}
	if r.Start == 0 {
		r.Start = server.StartAny
	}
	path := r.Path
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pulls[path] == nil && e.published[path] == 0 {
		if !e.makeRoom() {
			e.options.Logger.Warn("too many streams fetched at once", "limit", e.options.MaxPulls)
			return server.Deny("too many streams")
		}
		e.fetch(path, viaOf(r.Conn))
	}
	e.players[path]++
	return nil
}

// makeRoom reports whether one more stream may be fetched. At the maximum, it ends the oldest pull that has received no media, and puts the
// stream of that pull into e.waiting. Otherwise requests for streams that do not exist could prevent others from being fetched. The caller
// holds e.mu.
func (e *Edge) makeRoom() bool {
	if len(e.pulls) < e.options.MaxPulls {
		return true
	}
	var oldest *pull
	for _, p := range e.pulls {
		if !p.begun.Load() && (oldest == nil || p.since.Before(oldest.since)) {
			oldest = p
		}
	}
	if oldest == nil || time.Since(oldest.since) < minWait {
		return false
	}
	oldest.cancel()
	delete(e.pulls, oldest.path)
	if e.players[oldest.path] > 0 {
		e.waiting[oldest.path] = oldest.via
	}
	return true
}

// Left must be called by App.Stop.
func (e *Edge) Left(path string) {
	if e.options.Pull == "" {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if decrease(e.players, path) == 0 {
		delete(e.waiting, path)
		if p := e.pulls[path]; p != nil {
			p.idle.Reset(e.options.Idle)
		}
	}
}

// decrease subtracts one from a count, and returns the new value.
func decrease(counts map[string]int, path string) int {
	n := counts[path] - 1
	if n > 0 {
		counts[path] = n
	} else {
		delete(counts, path)
	}
	return n
}

// Published must be called by App.Publish, before a client publishes path. The stream counts as published until Unpublished is called.
func (e *Edge) Published(path string, c *server.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.published[path]++
	if len(e.options.Push) > 0 && e.pushes[path] == nil {
		e.forward(path, viaOf(c))
	}
}

// Unpublished must be called by App.Unpublish.
func (e *Edge) Unpublished(path string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if decrease(e.published, path) > 0 {
		return
	}
	if p := e.pushes[path]; p != nil {
		p.idle.Reset(max(0, e.options.Linger))
	}
	if e.options.Pull != "" && e.players[path] > 0 && e.pulls[path] == nil {
		e.fetch(path, nil)
	}
}

// Close stops fetching and publishing, and returns when all goroutines have ended. For at most ten seconds, it sends the messages that are
// still queued for other servers.
func (e *Edge) Close() {
	e.mu.Lock()
	e.cancel()
	e.mu.Unlock()
	e.running.Wait()
}

// log logs an event of a connection to another server.
func (e *Edge) log(what string, event relay.Event) {
	level := slog.LevelInfo
	if event.Kind == relay.Gap {
		level = slog.LevelDebug
	}
	e.options.Logger.Log(e.ctx, level, what, "event", event.String())
}
