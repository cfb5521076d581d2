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

// Request is what a client asks for. Its Path names the live stream, which all players of that Path get, and with .flv appended the
// file in Files.Dir. A Publish or Play hook may change it.
type Request struct {
	Conn       *Conn         // nil unless an RTMP client asks
	HTTP       *http.Request // of viewers by HTTP
	RemoteAddr net.Addr
	User       string // by Credentials
	StreamID   uint32
	Path       string        // app/instance/name, without parameters
	Name       string        // as the client said it, without parameters and mp4: flv: mp3:
	Query      url.Values    // one value a key: the name's, else tcUrl's, else the app's
	Kind       string        // publish: live, record or append
	Start      time.Duration // play: from there on, StartAny or StartLive
	Length     time.Duration // play; < 0: all
	Transport  string        // rtmp, rtmps, rtmpe, rtmpt, rtmpts, rtmpte, http-flv, ws-flv, local, or what ViewHandler was given
}
