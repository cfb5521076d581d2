// Package testserver is an RTMP server for tests and examples, over any transport: it plays FLV files with start, seek and pause,
// relays what is published to any number of players, records, answers and makes remote calls, can send streams in every
// odd shape that the protocol allows (Shape), and can be told to fail at a chosen byte (Fault). ffmpeg, rtmpdump and curl
// use it like any other server.
package testserver

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/message"
)

// Config says what a Server serves. The zero value relays live streams only. The functions are called on the session's
// goroutine, which reads nothing meanwhile: they must not wait for what the client sends, an answer to a Call included.
type Config struct {
	Files     map[string][]byte // recordings by stream name, in FLV
	Dir       string            // more recordings: NAME or NAME.flv in this folder
	RecordDir string            // where published streams are recorded as NAME.flv; "": nowhere
	Realtime  bool              // send recordings no further ahead than the client's buffer; default: as fast as possible
	Shape     Shape             // how recordings are sent

	ChunkSize     int    // outgoing, bytes; 0: 4096
	WindowAckSize uint32 // announced to the client, bytes; 0: 2500000

	Apps []string // the applications there are; empty: any name will do
	// Auth demands authentication of clients that connect as publishers; nil: nobody's. A client that it rejects has to
	// connect again to do better.
	Auth *auth.Server
	// Refuse returns the information object with which a connect is refused, nil to accept it.
	Refuse func(connect message.Command) amf.Object
	// OnConnect runs when the client has been accepted.
	OnConnect func(*Session)
	// OnMessage sees every message before it is served. It is valid during the call.
	OnMessage func(*Session, *chunk.Message)
	// Handlers answer remote calls by name; an error becomes _error with its text. Unknown methods are refused.
	Handlers map[string]func(*Session, message.Command) (any, error)

	// RefuseShared says which shared objects clients may not change; nil: they may change all.
	RefuseShared func(name string) bool

	// Scheme is that of the server's URLs, one of package rtmp's six; "": rtmp. Those of the encrypted ones can be used
	// unencrypted as well.
	Scheme     string
	TLS        *tls.Config          // for rtmps and rtmpts; nil: with a certificate that ClientTLS trusts
	Encryption handshake.Encryption // for rtmpe and rtmpte; EncryptionNone: EncryptionPlain
	Player     *Player              // which clients have to prove to be by SWF verification before they play; nil: none
	Token      string               // key of the SecureToken challenge that clients have to answer before they play; "": none

	// Fault chooses what goes wrong on the n-th TCP connection, counted from 0, below TLS and HTTP; nil: nothing.
	Fault func(n int) Fault
	// SessionFault is the same above TLS and HTTP, on the n-th RTMP connection; nil: nothing.
	SessionFault func(n int) Fault
	Logger       *slog.Logger // nil: silent
}

// Server is a running server.
type Server struct {
	cfg      Config
	listener net.Listener
	web      *webServer // nil: clients connect directly, not by HTTP
	hub      *hub
	shared   sharedObjects
	running  sync.WaitGroup // the accepting goroutine and all sessions

	mu       sync.Mutex
	closed   bool
	served   int // how many sessions there have been
	sessions map[*Session]struct{}
}

// Start serves on a free port of the loopback interface.
func Start(cfg Config) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("test server: %w", err)
	}
	return Serve(l, cfg), nil
}

// Serve serves on l, which the Server closes.
func Serve(l net.Listener, cfg Config) *Server {
	if cfg.ChunkSize == 0 {
		cfg.ChunkSize = 4096
	}
	if cfg.WindowAckSize == 0 {
		cfg.WindowAckSize = 2_500_000
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, hub: newHub(cfg), sessions: make(map[*Session]struct{})}
	s.listen(l)
	return s
}

// Addr is the address the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is the URL of a stream on this server.
func (s *Server) URL(app, name string) string {
	return cmp.Or(s.cfg.Scheme, "rtmp") + "://" + s.Addr() + "/" + app + "/" + name
}

// Close hangs up on everybody and returns when every goroutine of the server has ended.
func (s *Server) Close() {
	s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for session := range s.sessions {
		session.Close()
	}
	s.mu.Unlock()
	if s.web != nil {
		s.web.close()
	}
	s.running.Wait()
}

// recording finds a recording by the name that a client gives it, which may begin with its kind, and takes it apart.
func (s *Server) recording(name string) ([]flv.Tag, error) {
	tags, err := s.load(name)
	for _, kind := range []string{"mp4:", "mp3:", "flv:"} {
		if rest, found := strings.CutPrefix(name, kind); found && err != nil {
			return s.load(rest)
		}
	}
	return tags, err
}

func (s *Server) load(name string) ([]flv.Tag, error) {
	file, ok := s.cfg.Files[name]
	if !ok {
		if s.cfg.Dir == "" || !filepath.IsLocal(name) {
			return nil, os.ErrNotExist
		}
		var err error
		if file, err = os.ReadFile(filepath.Join(s.cfg.Dir, name)); err != nil {
			if file, err = os.ReadFile(filepath.Join(s.cfg.Dir, name+".flv")); err != nil {
				return nil, err
			}
		}
	}
	return Tags(file)
}
