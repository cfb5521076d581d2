package server

import (
	"net"
	"net/http"
	"net/url"
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
