package testserver

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// setupTimeout is how long a client may take to send connect.
const setupTimeout = 30 * time.Second

// public returns the server.Server that a Server uses. That server has few limits, since its clients are tests.
func (s *Server) public() *server.Server {
	cfg := &s.cfg
	rtmp := &server.Server{
		Apps:           map[string]*server.App{"*": s.app()},
		ChunkSize:      cmp.Or(cfg.ChunkSize, 4096),
		WindowAckSize:  cfg.WindowAckSize,
		MaxMessageSize: chunk.MaxMessageLength,
		MaxStreams:     64,
		SetupTimeout:   setupTimeout,
		IdleTimeout:    -1,
		WriteTimeout:   -1,
		Logger:         cfg.Logger,
	}
	if strings.HasSuffix(cfg.Scheme, "e") {
		rtmp.Encryption = handshake.EncryptionPlain
	}
	if rtmp.Logger == nil {
		rtmp.Logger = slog.New(slog.DiscardHandler)
	}
	return rtmp
}

// app returns the application that serves all names.
func (s *Server) app() *server.App {
	cfg := &s.cfg
	app := &server.App{
		Packet:     func(c *server.Conn, p *message.Packet) (bool, error) { return sessionOf(c).received(c, p) },
		Connect:    func(_ context.Context, c *server.Conn) error { return sessionOf(c).connected() },
		Connected:  s.connected,
		Disconnect: func(c *server.Conn, _ error) { close(sessionOf(c).left) },
		Publish:    func(_ context.Context, r *server.Request) error { return s.published.begin(r) },
		Unpublish:  func(r *server.Request, _ server.StreamStats) { s.published.end(r) },
		Media:      s.media,
		Play:       s.play,
		Command:    s.called,
		Live:       server.Live{Takeover: server.TakeNever, PublishIdle: -1, Linger: -1, Backlog: 64 << 20, BacklogTime: -1},
		Files:      &server.Files{Dir: s.recordings.dir, Record: server.RecordNone, AsFast: !cfg.Realtime},
		Player:     cfg.Player,
		Token:      cfg.Token,
	}
	if cfg.Auth != nil {
		app.Publishers = &server.Credentials{Scheme: string(cfg.Auth.Scheme),
			Password: func(_ context.Context, user string) (string, bool) {
				password, ok := cfg.Auth.Users[user]
				return password, ok
			}}
	}
	if cfg.RefuseShared != nil {
		app.Shared = &server.SharedPolicy{Write: func(_ *server.Conn, name string) error {
			if cfg.RefuseShared(name) {
				return server.Deny("not to be changed")
			}
			return nil
		}}
	}
	return app
}

func (s *Server) connected(c *server.Conn) {
	if s.cfg.OnConnect != nil {
		s.cfg.OnConnect(sessionOf(c))
	}
}

// refusal returns the information object with which connect is refused, or nil to accept it.
func (s *Server) refusal(c *server.Conn, connect message.Command) amf.Object {
	switch {
	case len(s.cfg.Apps) > 0 && !slices.Contains(s.cfg.Apps, c.App()):
		return message.StatusObject("error", message.CodeConnectInvalidApp, "no application "+quote.Peer(c.App()))
	case s.cfg.Refuse != nil:
		return s.cfg.Refuse(connect)
	}
	return nil
}

// play plays the stream that is published under a name, or else the recording of that name.
func (s *Server) play(_ context.Context, r *server.Request) error {
	r.Path = r.Name
	if r.Start == server.StartLive || r.Start == server.StartAny && s.published.has(r.Name) {
		return nil
	}
	file, err := s.recordings.find(r.Name)
	if file != "" {
		r.Path = file
	}
	return err
}

func (s *Server) media(r *server.Request, p *message.Packet) bool {
	if err := s.published.record(r.Path, p); err != nil {
		s.rtmp.Logger.Warn("test server: recording failed", "stream", r.Path, "error", err)
	}
	return true
}

func (s *Server) called(_ context.Context, c *server.Conn, cmd message.Command) (any, error) {
	handler := s.cfg.Handlers[cmd.Name]
	if handler == nil {
		return nil, fmt.Errorf("method %s is not known", quote.Peer(cmd.Name))
	}
	return handler(sessionOf(c), cmd)
}
