package server

import (
	"net"
	"net/http"
	"net/url"
	"time"
)

// Values of Request.Start that are not positions.
const (
	StartAny  = -2 * time.Second // a live stream, else a file, else wait for a live stream
	StartLive = -1 * time.Second // a live stream only
)

// Request describes what a client asks for. Path is the name of the live stream, and with .flv appended that of the file in
// Files.Dir. A Publish or Play hook may change Path, and a Play hook Start.
type Request struct {
	Conn       *Conn         // the client; nil for HTTP viewers
	HTTP       *http.Request // the request of an HTTP viewer; nil for RTMP clients
	RemoteAddr net.Addr
	User       string        // the name that the client has authenticated itself with; "": none
	StreamID   uint32        // message stream id
	Path       string        // app/instance/name, without parameters
	Name       string        // the name as the client gave it, without parameters and without mp4:, flv: or mp3: in front
	Query      url.Values    // parameters of the name, of tcUrl and of the app, in this order of precedence, one value for each key
	Kind       string        // of publish: live, record or append
	Start      time.Duration // of play: a position, StartAny or StartLive
	Length     time.Duration // of play; < 0: all
	Transport  string        // rtmp, rtmps, rtmpe, rtmpt, rtmpts, rtmpte, http-flv, ws-flv, local, or the one given to ViewHandler
}
