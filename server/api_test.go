package server_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
	"github.com/go-librtmp/rtmp/server/servertest"
)

// These variables list the public names with their types. This file does not compile after a change that breaks programs.
var (
	_ = server.Server{
		Addr: "", Apps: map[string]*server.App{}, TLSConfig: (*tls.Config)(nil), Encryption: handshake.EncryptionNone,
		ChunkSize: 0, WindowAckSize: uint32(0), MaxMessageSize: 0, MaxConns: 0, MaxConnsPerIP: 0, MaxStreams: 0,
		SetupTimeout: time.Duration(0), IdleTimeout: time.Duration(0), WriteTimeout: time.Duration(0),
		TrustedProxies: []netip.Prefix{}, ConnContext: func(ctx context.Context, nc net.Conn) context.Context { return ctx }, Logger: (*slog.Logger)(nil),
	}
	_ = server.App{
		Connect:    func(ctx context.Context, c *server.Conn) error { return nil },
		Connected:  func(c *server.Conn) {},
		Disconnect: func(c *server.Conn, err error) {},
		Publish:    func(ctx context.Context, r *server.Request) error { return nil },
		Unpublish:  func(r *server.Request, st server.StreamStats) {},
		Play:       func(ctx context.Context, r *server.Request) error { return nil },
		Stop:       func(r *server.Request, st server.StreamStats) {},
		Methods:    map[string]server.Method{},
		Command:    func(ctx context.Context, c *server.Conn, cmd message.Command) (any, error) { return nil, nil },
		Status:     func(c *server.Conn, s *message.StatusError) {},
		Media:      func(r *server.Request, p *message.Packet) bool { return true },
		Deliver:    func(r *server.Request, p *message.Packet) bool { return true },
		Packet:     func(c *server.Conn, p *message.Packet) (done bool, err error) { return false, nil },
		Handler:    (server.Handler)(nil), Live: server.Live{}, Files: (*server.Files)(nil), Shared: (*server.SharedPolicy)(nil),
		Publishers: (*server.Credentials)(nil), Player: (*server.SWF)(nil), Token: "",
	}
	_ = server.Request{Conn: (*server.Conn)(nil), HTTP: (*http.Request)(nil), RemoteAddr: (net.Addr)(nil), User: "", StreamID: uint32(0), Path: "", Name: "",
		Query: url.Values{}, Kind: "", Start: server.StartAny, Length: server.StartLive, Transport: ""}
	_ = server.Refusal{Code: "", Description: "", RedirectTo: ""}
	_ = server.Live{Takeover: server.TakeStale, StaleAfter: time.Second, PublishIdle: time.Second, Linger: time.Second, Await: time.Second, MaxBitrate: 0,
		NoCache: false, Backlog: 0, BacklogTime: time.Second, Merge: time.Second}
	_ = server.Files{Dir: "", Record: server.RecordAsked, Name: func(r *server.Request, start time.Time) string { return "" },
		Done: func(r *server.Request, file string, err error) {}, MaxSize: int64(0), MaxDuration: time.Second, MinFree: int64(0), MaxTotal: int64(0), AsFast: false}
	_ = server.Shared{Tag: flv.Tag{}, Key: false, Header: false, Sequence: uint64(0)}
	_ = server.Control{Kind: server.ControlSeek, On: false, Value: time.Second}
	_ = server.SubscribeOptions{NoCache: false, NoAudio: false, NoVideo: false}
	_ = server.ConnStats{BytesIn: uint64(0), BytesOut: uint64(0), Messages: uint64(0)}
	_ = server.Credentials{Scheme: "adobe", Password: func(ctx context.Context, user string) (password string, ok bool) { return "", false }}
	_ = server.SWF{Hash: []byte{}, Size: uint32(0)}
	_ = server.SharedPolicy{Write: func(c *server.Conn, name string) error { return nil }, Dir: "", MaxObjects: 0, MaxSize: 0}
	_ = server.Stats{Conns: 0, Publishers: 0, Players: 0, Tunnels: 0, BytesIn: uint64(0), BytesOut: uint64(0), Refused: uint64(0), Dropped: uint64(0),
		Streams: []server.StreamStats{}}
	_ = server.StreamStats{Path: "", Publisher: "", Since: time.Time{}, Players: 0, Backlog: 0, Info: flv.Info{}, BytesIn: uint64(0), BytesOut: uint64(0),
		Missed: uint64(0), Resyncs: uint64(0)}

	_ func(*server.Server) error                                                                         = (*server.Server).ListenAndServe
	_ func(*server.Server, string, string) error                                                         = (*server.Server).ListenAndServeTLS
	_ func(*server.Server, net.Listener) error                                                           = (*server.Server).Serve
	_ func(*server.Server, net.Listener, string, string) error                                           = (*server.Server).ServeTLS
	_ func(*server.Server, context.Context, net.Conn) error                                              = (*server.Server).ServeConn
	_ func(*server.Server) http.Handler                                                                  = (*server.Server).TunnelHandler
	_ func(*server.Server) http.Handler                                                                  = (*server.Server).FLVHandler
	_ func(*server.Server) http.Handler                                                                  = (*server.Server).StatsHandler
	_ func(*server.Server) server.Stats                                                                  = (*server.Server).Stats
	_ func(*server.Server) []*server.Conn                                                                = (*server.Server).Conns
	_ func(*server.Server, context.Context) error                                                        = (*server.Server).Shutdown
	_ func(*server.Server) error                                                                         = (*server.Server).Close
	_ func(*server.Server, context.Context, string) (*server.Publisher, error)                           = (*server.Server).Publish
	_ func(*server.Server, context.Context, string, server.SubscribeOptions) (*server.Subscriber, error) = (*server.Server).Subscribe
	_ func(any) server.Method                                                                            = server.Func
	_ func(string, ...any) error                                                                         = server.Deny
	_ func(string) error                                                                                 = server.Redirect
	_ func(context.Context, net.Conn, *server.Server) (*server.Conn, error)                              = server.Accept
	_ func(context.Context) *server.Conn                                                                 = server.FromContext
	_ error                                                                                              = server.ErrServerClosed
	_ error                                                                                              = (*server.Refusal)(nil)
	_ func(*server.Conn) context.Context                                                                 = (*server.Conn).Context
	_ func(*server.Conn) uint64                                                                          = (*server.Conn).ID
	_ func(*server.Conn) string                                                                          = (*server.Conn).App
	_ func(*server.Conn) message.Command                                                                 = (*server.Conn).Connect
	_ func(*server.Conn) net.Addr                                                                        = (*server.Conn).RemoteAddr
	_ func(*server.Conn) *tls.ConnectionState                                                            = (*server.Conn).TLS
	_ func(*server.Conn) string                                                                          = (*server.Conn).User
	_ func(*server.Conn) []*server.Conn                                                                  = (*server.Conn).Peers
	_ func(*server.Conn) []*server.Request                                                               = (*server.Conn).Streams
	_ func(*server.Conn, context.Context, string, ...any) (*server.Call, error)                          = (*server.Conn).Call
	_ func(*server.Conn, string, ...any) error                                                           = (*server.Conn).Notify
	_ func(*server.Conn, string, server.Method)                                                          = (*server.Conn).Handle
	_ func(*server.Conn, context.Context, *message.Packet) error                                         = (*server.Conn).SendPacket
	_ func(*server.Conn, context.Context, *message.Packet) error                                         = (*server.Conn).ReadPacket
	_ func(*server.Conn, context.Context, *message.Packet) error                                         = (*server.Conn).HandlePacket
	_ func(*server.Conn) server.ConnStats                                                                = (*server.Conn).Stats
	_ func(*server.Conn, error)                                                                          = (*server.Conn).Reject
	_ func(*server.Conn) error                                                                           = (*server.Conn).Close
	_ func(*server.Conn) error                                                                           = (*server.Conn).Err
	_ func(*server.Call, context.Context) (any, error)                                                   = (*server.Call).Result
	_ func(*server.Call, context.Context, any) error                                                     = (*server.Call).Decode
	_ func(*server.Call) []any                                                                           = (*server.Call).Reply
	_ func(*server.Stream) <-chan server.Control                                                         = (*server.Stream).Control
	_ func(*server.Stream, string, string, string) error                                                 = (*server.Stream).Status
	_ func(*server.Subscriber, context.Context) (server.Shared, error)                                   = (*server.Subscriber).Next
	_ func(*server.Subscriber) uint64                                                                    = (*server.Subscriber).Missed
	_ interface {
		io.ReadWriter
		io.WriterTo
		io.ReaderFrom
		ReadPacket(p *message.Packet) error
		WritePacket(p *message.Packet) error
		WriteData(name string, args ...any) error
		SetReadDeadline(t time.Time) error
		SetWriteDeadline(t time.Time) error
	} = (*server.Stream)(nil)
	_ interface {
		io.WriteCloser
		io.ReaderFrom
		WritePacket(p *message.Packet) error
		WriteData(name string, args ...any) error
	} = (*server.Publisher)(nil)
	_ interface {
		io.ReadCloser
		io.WriterTo
	} = (*server.Subscriber)(nil)
	_ = []server.TakeoverPolicy{server.TakeStale, server.TakeNever, server.TakeAlways}
	_ = []server.RecordMode{server.RecordAsked, server.RecordAll, server.RecordNone}
	_ = []string{server.ControlSeek, server.ControlPause, server.ControlBuffer, server.ControlReceiveAudio, server.ControlReceiveVideo}

	_ func(*server.App) *servertest.Server                         = servertest.NewServer
	_ func(testing.TB, *server.App) *servertest.Server             = servertest.New
	_ func(*servertest.Server, string) string                      = (*servertest.Server).URL
	_ func(*servertest.Server, string) string                      = (*servertest.Server).TLSURL
	_ func(*servertest.Server) *tls.Config                         = (*servertest.Server).ClientTLS
	_ func(*servertest.Server, string) []flv.Tag                   = (*servertest.Server).Published
	_ func(*servertest.Server, context.Context, string, int) error = (*servertest.Server).Await
	_ func(*servertest.Server, string) []message.Command           = (*servertest.Server).Calls
	_ func(*servertest.Server, int64)                              = (*servertest.Server).CutAfter
	_ func(*servertest.Server)                                     = (*servertest.Server).Stall
	_ func(*servertest.Server, error)                              = (*servertest.Server).Refuse
	_ func(*servertest.Server) *server.Server                      = (*servertest.Server).Server
	_ func(*servertest.Server)                                     = (*servertest.Server).Close
)

// The programs in the documentation. They are only compiled; their behaviour is tested elsewhere.

func Example_echo() {
	// An echo server that calls the client on connect, like rtmplite's MyApp.
	srv := &server.Server{Apps: map[string]*server.App{"myapp": {
		Connected: func(c *server.Conn) { c.Notify("connected", "some-arg") },
		Methods: map[string]server.Method{"echo": func(ctx context.Context, c *server.Conn, args []any) (any, error) {
			return args, nil
		}},
	}}}
	log.Fatal(srv.ListenAndServe())
}

func Example_record() {
	// This server records everything that is published over RTMP or RTMPT to
	// FLV files.
	srv := &server.Server{Apps: map[string]*server.App{"*": {Files: &server.Files{
		Dir: "recordings", Record: server.RecordAll,
		Done: func(r *server.Request, file string, err error) { log.Print(r.Path, " is in ", file, ": ", err) },
	}}}}
	go http.ListenAndServe(":8080", srv.TunnelHandler())
	log.Fatal(srv.ListenAndServe())
}

type library struct{} // implements server.Handler

func (library) ServePublish(context.Context, *server.Stream) error { return server.Deny("play only") }

func (library) ServePlay(ctx context.Context, s *server.Stream) error {
	f, err := os.OpenInRoot("flvs", s.Request.Name+".flv")
	if err != nil {
		return server.Deny("no such film")
	}
	defer f.Close()
	_, err = io.Copy(s, flv.NewPacedReader(ctx, f, 3*time.Second))
	return err
}

func Example_library() {
	// "vod" with seek and pause; "films" with a Handler.
	srv := &server.Server{Apps: map[string]*server.App{
		"vod": {Files: &server.Files{Dir: "flvs", Record: server.RecordNone}}, "films": {Handler: library{}}}}
	log.Fatal(srv.ListenAndServe())
}

func Example_relay() {
	keys := map[string]string{"secret": "alice"}
	// Secret stream keys, public names, and viewers in browsers.
	srv := &server.Server{Apps: map[string]*server.App{"live": {
		Publish: func(ctx context.Context, r *server.Request) error {
			user, ok := keys[r.Name]
			if !ok {
				return server.Deny("unknown stream key")
			}
			r.Path = "live/" + user
			return nil
		},
	}}}
	http.Handle("/live/", srv.FLVHandler()) // http://host:8080/live/USER.flv
	go http.ListenAndServe(":8080", nil)
	log.Fatal(srv.ListenAndServe())
}
