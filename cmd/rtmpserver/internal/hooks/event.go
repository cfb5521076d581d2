package hooks

import (
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/server"
)

// event is the body of a callback, with the field names of SRS. Programs expect all fields of an action, even if they are empty.
type event struct {
	ServerID  string  `json:"server_id"`
	Action    string  `json:"action"`
	ClientID  string  `json:"client_id"`
	IP        string  `json:"ip"`
	Vhost     string  `json:"vhost"`
	App       string  `json:"app"`
	TCURL     string  `json:"tcUrl"`
	PageURL   *string `json:"pageUrl,omitempty"`
	SendBytes *uint64 `json:"send_bytes,omitempty"`
	RecvBytes *uint64 `json:"recv_bytes,omitempty"`
	Stream    string  `json:"stream,omitempty"`
	Param     *string `json:"param,omitempty"`
	StreamURL string  `json:"stream_url,omitempty"`
	StreamID  string  `json:"stream_id,omitempty"`
	Dir       string  `json:"cwd,omitempty"`
	File      string  `json:"file,omitempty"`
}

// client returns the client for the log: a connection by its number, as in all other lines about it, and a viewer over HTTP by its id.
func (e *event) client() slog.Attr {
	if conn, err := strconv.ParseUint(e.ClientID, 10, 64); err == nil {
		return slog.Uint64("conn", conn)
	}
	return slog.String("viewer", e.ClientID)
}

// vhost is the virtual host of all clients.
const vhost = "__defaultVhost__"

// newEvent returns an event of a connection.
func newEvent(action string, conn *server.Conn) *event {
	return &event{Action: action, ClientID: strconv.FormatUint(conn.ID(), 10), IP: host(conn.RemoteAddr()), Vhost: vhost,
		App: conn.App(), TCURL: connectText(conn, "tcUrl")}
}

// streamEvent returns an event of a stream.
func (c *Client) streamEvent(action string, r *server.Request) *event {
	var e *event
	if r.Conn != nil {
		e = newEvent(action, r.Conn)
	} else {
		app, _, _ := strings.Cut(r.Path, "/")
		c.mu.Lock()
		e = &event{Action: action, ClientID: c.viewers[r], IP: host(r.RemoteAddr), Vhost: vhost, App: app}
		c.mu.Unlock()
		if r.HTTP != nil {
			e.TCURL = "http://" + r.HTTP.Host + "/" + app
		}
	}
	param := ""
	if len(r.Query) > 0 {
		param = "?" + r.Query.Encode()
	}
	e.Stream, e.Param = r.Name, &param
	e.StreamURL = "/" + e.App + "/" + e.Stream
	e.StreamID = e.StreamURL
	return e
}

// connectText returns a string property of the client's connect command, or "" if it is missing.
func connectText(conn *server.Conn, name string) string {
	object, _ := conn.Connect().Object.(amf.Object)
	value, _ := object.Get(name)
	text, _ := value.(string)
	return text
}

// host returns an address without its port.
func host(a net.Addr) string {
	if a == nil {
		return ""
	}
	if host, _, err := net.SplitHostPort(a.String()); err == nil {
		return host
	}
	return a.String()
}
