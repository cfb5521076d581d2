package server

import (
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Values of Request.Start that are not positions.
const (
	StartAny  = -2 * time.Second // the live stream if it has a publisher, otherwise the file; if there is none, wait for the live stream
	StartLive = -1 * time.Second // a live stream only
)

// Request describes a request to publish or play. Path is the name of the live stream and, with .flv appended, of the file in Files.Dir. A
// Publish or Play hook may change Path, and a Play hook may change Start.
type Request struct {
	Conn       *Conn         // the client; nil for HTTP viewers and Server.Publish
	HTTP       *http.Request // the request of an HTTP viewer; nil for RTMP clients
	RemoteAddr net.Addr      // nil for Server.Publish
	User       string        // the name under which the client has authenticated; "" if it has not
	StreamID   uint32        // message stream id
	Path       string        // app/instance/name, without parameters
	Name       string        // the name as the client sent it, without parameters and without the prefix mp4:, flv: or mp3:
	Query      url.Values    // parameters of the name, of tcUrl and of the app, in this order of precedence, one value for each key
	Kind       string        // publish's type: live, record or append
	Start      time.Duration // play's start: a position, StartAny or StartLive
	Length     time.Duration // play's length; < 0 means everything
	Transport  string        // rtmp, rtmps, rtmpe, rtmpt, rtmpts, rtmpte, http-flv, ws-flv, local, or the one given to ViewHandler
}

// request returns the Request for a stream name of the client.
func (c *Conn) request(id uint32, raw string) *Request {
	name, query := cutName(raw)
	c.mu.Lock()
	defer c.mu.Unlock()
	path := name
	if c.appName != "" {
		path = c.appName + "/" + name
	}
	if name == "" {
		path = ""
	}
	return &Request{Conn: c, RemoteAddr: c.remote, User: c.user, StreamID: id, Path: path, Name: name,
		Query: c.query.merge(query), Transport: c.transport}
}

// cutName splits a client's stream name: it removes a prefix mp4:, flv: or mp3:, and parses the parameters after the
// question mark.
func cutName(raw string) (name string, query url.Values) {
	name, parameters, _ := strings.Cut(raw, "?")
	for _, kind := range []string{"mp4:", "flv:", "mp3:"} {
		if rest, found := strings.CutPrefix(name, kind); found {
			name = rest
			break
		}
	}
	return name, parseQuery(parameters)
}

// queries are the parameters that the client appended to app and to tcUrl.
type queries struct{ app, tcURL url.Values }

// merge returns the parameters of the name, of tcUrl and of app, in this order of precedence.
func (q queries) merge(name url.Values) url.Values {
	merged := make(url.Values)
	for _, from := range []url.Values{q.app, q.tcURL, name} {
		maps.Copy(merged, from)
	}
	return merged
}

// parseQuery parses parameters and keeps the first value of each key.
func parseQuery(query string) url.Values {
	values, _ := url.ParseQuery(query[:min(len(query), maxQuery)])
	for key, all := range values {
		values[key] = all[:1]
	}
	return values
}

var errBadPath = errors.New("invalid stream name")

// validPath reports whether path may name a stream: no element is empty, "." or "..", and there are no control
// characters.
func validPath(path string) bool {
	if path == "" || len(path) > 4096 || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return false
	}
	for element := range strings.SplitSeq(path, "/") {
		if element == "" || element == "." || element == ".." {
			return false
		}
	}
	return true
}
