package server

import (
	"bytes"
	"log/slog"
	"strings"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// introduce parses connect. It runs on the reader, since App.Packet and the commands after connect need the application.
func (d *dispatcher) introduce(cmd message.Command, m *session.Message) {
	object, _ := cmd.Object.(amf.Object)
	name, query, _ := strings.Cut(property(object, "app"), "?")
	name = strings.TrimSuffix(strings.TrimSuffix(strings.Trim(name, "/"), "/_definst_"), "/")
	_, tcQuery, _ := strings.Cut(property(object, "tcUrl"), "?")
	d.mu.Lock()
	d.connect, d.appName = message.Packet{Type: m.Type, Body: bytes.Clone(m.Payload())}, name
	d.query = queries{app: parseQuery(query), tcURL: parseQuery(tcQuery)}
	d.app = application{d.server.application(name), d.panicked}
	d.mu.Unlock()
	d.log = slog.New(connLog{d.Conn, quote.Attr(name)})
}

// connectReceived passes connect to the hooks' goroutine.
func (d *dispatcher) connectReceived(cmd message.Command) error {
	d.greeted = true
	d.watchdog.stop() // SetupTimeout does not include App.Connect
	d.later(amf.Size(cmd.Name, cmd.Object, cmd.Args), func() { d.commands.serveConnect(cmd) })
	return nil
}

// zeroApp is the App for all names if Server.Apps is nil.
var zeroApp App

// application returns the App for a name, or nil.
func (s *Server) application(name string) *App {
	if s.Apps == nil {
		return &zeroApp
	}
	first, _, _ := strings.Cut(name, "/")
	if app := s.Apps[first]; app != nil {
		return app
	}
	return s.Apps["*"]
}

// errForeign refuses the streams of an App that the client has not connected to.
var errForeign = Deny("a stream of another application")

// foreign reports whether a path belongs to another App. A client that has connected with an empty app can name any path.
func (c *Conn) foreign(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	app := c.server.Apps[first]
	return app != nil && app != c.application().App
}

// serveConnect answers connect. It runs on the hooks' goroutine.
func (k *commands) serveConnect(cmd message.Command) {
	app := k.application()
	switch {
	case k.server.isClosing():
		k.refuseConnect(cmd, &Refusal{Code: message.CodeConnectAppShutdown, Description: "the server is shutting down"})
		return
	case app.App == nil:
		k.refuseConnect(cmd, &Refusal{Code: message.CodeConnectInvalidApp, Description: "no such application"})
		return
	case !validPath(k.App()) && k.App() != "":
		k.refuseConnect(cmd, &Refusal{Code: message.CodeConnectInvalidApp, Description: "bad application name"})
		return
	}
	object, _ := cmd.Object.(amf.Object)
	if err := k.authenticate(app, object); err != nil {
		k.refuseConnect(cmd, err)
		return
	}
	if err := app.connect(k.Conn); err != nil {
		k.refuseConnect(cmd, err)
		return
	}
	k.mu.Lock()
	k.admitted = true
	k.mu.Unlock()
	if k.leaving.Load() { // Reject was called meanwhile
		return
	}
	if err := k.accept(cmd, object, app); err != nil {
		k.fail(err)
		return
	}
	app.connected(k.Conn)
}

// accept sends the answer that accepts the connection.
func (k *commands) accept(cmd message.Command, object amf.Object, app application) error {
	s := k.server
	window := s.WindowAckSize
	if window == 0 {
		window = defaultWindow
	}
	encoding, _ := object.Get("objectEncoding")
	if encoding != 3.0 {
		encoding = 0.0
	}
	info := append(message.StatusObject("status", message.CodeConnectSuccess, "Connection succeeded."), capabilities(object)...)
	info = append(append(info, amf.Property{Name: "objectEncoding", Value: encoding}), k.tokenChallenge(app)...)
	result, err := session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: "_result", TransactionID: cmd.TransactionID,
		Object: amf.Object{{Name: "fmsVer", Value: "FMS/3,5,7,7009"}, {Name: "capabilities", Value: 31.0}, {Name: "mode", Value: 1.0}},
		Args:   []any{info}})
	if err != nil {
		return err
	}
	k.session.SetMaxMessageSize(s.maxMessage())
	k.connected.Store(true)
	if !k.byHand {
		k.watchdog.limitSilence(k.session, orDefault(s.IdleTimeout, defaultIdleTimeout, 0))
	}
	messages := append(k.playerQuestion(app), // sent before the answer, so that the client receives it before it asks for a stream
		session.Control(message.TypeWindowAckSize, message.AppendUint32(nil, window)),
		session.Control(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, window, message.LimitDynamic)),
		session.Event(message.EventStreamBegin, 0),
		session.Control(message.TypeSetChunkSize, message.AppendUint32(nil, uint32(s.chunkSize()))), result)
	return k.session.Send(k.ctx, messages...)
}

// capabilities returns the properties for the answer to a client that supports Enhanced RTMP (E-RTMP v2, connect), or nil for other
// clients. The properties say that the server relays every codec.
func capabilities(connect amf.Object) amf.Object {
	_, list := connect.Get("fourCcList")
	_, video := connect.Get("videoFourCcInfoMap")
	if !list && !video {
		return nil
	}
	forward := amf.Object{{Name: "*", Value: 4.0}}
	return amf.Object{{Name: "fourCcList", Value: []any{"*"}}, {Name: "videoFourCcInfoMap", Value: forward},
		{Name: "audioFourCcInfoMap", Value: forward}, {Name: "capsEx", Value: 15.0}}
}

// refuseConnect answers with the error and closes the connection.
func (k *commands) refuseConnect(cmd message.Command, err error) {
	k.server.counts.refused.Add(1)
	r := refusalOf(err, message.CodeConnectRejected)
	level := slog.LevelInfo
	if step, _, _ := auth.ParseRejection(r.Description); step.Reason == auth.NeedUser || step.Reason == auth.NeedResponse {
		level = slog.LevelDebug // the client connects again with an answer
	}
	k.log.Log(k.ctx, level, "rtmp: connect refused", "error", err)
	info := append(message.StatusObject("error", r.Code, r.Description), r.extra()...)
	k.command(0, "_error", cmd.TransactionID, nil, info)
	k.leave()
}

// disorder refuses a command that comes before connect, or a second connect.
func (d *dispatcher) disorder(cmd message.Command) {
	d.greeted = true
	d.watchdog.stop()
	d.later(0, func() {
		d.commands.refuseConnect(cmd, &Refusal{Code: message.CodeConnectFailed, Description: quote.Peer(cmd.Name) + " out of order"})
	})
}

func property(o amf.Object, name string) string {
	v, _ := o.Get(name)
	text, _ := v.(string)
	return text
}
