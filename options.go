package rtmp

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// Options configure a Conn. Every zero value works and means librtmp's default where it has one. Values that make no sense
// make Connect fail with an *OptionError.
type Options struct {
	App        string // connect's app; "": from the URL
	Playpath   string // what to play; "": from the URL
	TCURL      string // connect's tcUrl; "": derived from the URL
	PageURL    string // connect's pageUrl; "": absent
	SWFURL     string // connect's swfUrl; "": absent
	Auth       string // if set, connect carries true and this string after its object
	Subscribe  string // FCSubscribe to this name before playing; "": only when Live, to the playpath
	Token      string // SecureToken key; "": a server's challenge stays unanswered
	UsherToken string // argument of NetStream.Authenticate.UsherToken (librtmp: jtv); "": not called
	FlashVer   string // "": LNX 10,0,32,18

	ConnectData    []any      // appended to connect, in order (librtmp: conn)
	ConnectFields  amf.Object // further properties of connect's command object; those of the library's names replace its own
	ObjectEncoding int        // 0 or 3

	Live     bool // a live stream: play's start is -1000
	Playlist bool // send set_playlist before play
	Publish  bool // connect as a publisher does

	// PublishUser and PublishPassword answer a server that asks who we are (authmod adobe and llnw); "": those of the URL,
	// rtmp://user:password@host, which unlike these do not imply Publish.
	PublishUser, PublishPassword string

	Start time.Duration // where a recording starts, to the millisecond; 0: its beginning
	Stop  time.Duration // where it stops; 0: its end
	// Buffer is told to the server, which may send so far ahead; 0: 30 s. Once the duration of a recording is known, a Stream raises
	// it to all of that, unless StreamOptions.NoBufferUpdate is set. Servers that count by timestamps, as nginx-rtmp, fall
	// silent where those of a recording begin later than that or jump: a program that saves a recording asks for more than any
	// has, as rtmpdump does by 10 h.
	Buffer time.Duration
	// Timeout bounds dialling and handshake together, each wait for an answer, each write, and a read that receives no
	// byte. 0: 30 s, negative: none.
	Timeout time.Duration
	// MediaTimeout bounds how long Read, WriteTo and ReadPacket of a Stream wait for a whole audio, video or data message,
	// which Timeout does not where a server dribbles. 0: for ever.
	MediaTimeout time.Duration

	// SWF verification: servers may ask which player this is. SWFHash and SWFSize say it, see swf.Hash; or
	// SWFVerify does, with which Connect fetches and hashes what is at SWFURL. Hashes are kept in librtmp's cache, ~/.swfinfo.
	SWFHash   []byte        // 32 bytes; nil: none
	SWFSize   uint32        // of the unpacked player, bytes
	SWFVerify bool          // SWFHash, if set as well, comes first
	SWFAge    time.Duration // how long a cached hash is good; 0: 30 days, negative: always revalidate

	// Proxy is the URL of a proxy, socks4, socks4a, socks5, http or https, with user:password@ where it wants them. socks4
	// resolves names here, the others leave that to the proxy. "direct": none. "": what the environment says in ALL_PROXY
	// and NO_PROXY, tunnels and SWF downloads look at HTTP_PROXY and HTTPS_PROXY first; loopback is then reached directly.
	Proxy string
	// DialContext makes the connection to addr, "host:port", also that to a proxy; nil: as net.Dialer does. Where deadlines
	// of its connections don't work, nothing but Close ends a read or write once Connect has returned.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLSConfig is for rtmps, rtmpts, and https. nil: crypto/tls's defaults, which verify certificates.
	TLSConfig *tls.Config
	// HTTPClient is for tunnels and SWF downloads, used as it is: Proxy, DialContext and TLSConfig then do not apply to
	// them. nil: one made from these.
	HTTPClient *http.Client
	// MaxRedirects is how often a refused connect that names another server is tried there; 0: never. See Follow for what
	// goes along.
	MaxRedirects int
	// FollowReconnect says where Follow leads, for programs that come back when a server asks for it; 0: FollowSameHost.
	FollowReconnect ReconnectPolicy

	ChunkSize      int // outgoing, bytes; 0: 4096 when publishing
	MaxMessageSize int // bytes; 0: 16 MiB
	MaxQueue       int // bytes of media queued for a Stream that nobody reads; 0: 16 MiB
	SendQueue      int // bytes of media that wait to be sent, of each Stream; beyond it media is dropped. 0: writes block

	// Pipelining is how many of the server's answers are not waited for while connecting; 0: none, librtmp's order.
	Pipelining Pipelining

	BackgroundRead bool // read even while nobody waits, so that pings and calls are always answered
	NoEnhanced     bool // announce nothing of Enhanced RTMP, see Capabilities: some devices break on it

	// Handlers serve the methods of those names, as InvokeHandler would make them, but from the start: a server may call as
	// soon as it has accepted connect.
	Handlers map[string]HandlerFunc
	// OnStatus is told every onStatus, s is nil for the connection's and those of a stream that was closed. It runs like a
	// handler. nil: nobody is told.
	OnStatus func(s *Stream, status *StatusError)
	// Capture records the connection, each attempt to make it as a session of its own, for package capture to read and to play
	// again: what is sent and received, without what is secret, see there. Each Write is a whole block of the format, at most about
	// a second after what is in it; several Conns may share a writer that several goroutines may use. A writer that fails or takes
	// nothing for 5 s ends the recording, not the connection, which waits for it so long; Close likewise. nil: nothing is recorded.
	Capture io.Writer
	Logger  *slog.Logger // nil: silent
	Trace   *Trace       // called while connecting and with each message; nil: nothing is

	refuse transport.Nearness // addresses so near, and nearer ones, are not connected to: a server has named them; 0: all are
}

// ReconnectPolicy says where a server may send its clients by NetConnection.Connect.ReconnectRequest (E-RTMP v2, Reconnect
// Request).
type ReconnectPolicy int

const (
	// FollowSameHost follows to the same host and port only.
	FollowSameHost ReconnectPolicy = iota
	// FollowNone follows nowhere.
	FollowNone
	// FollowAny follows to any host and port, and lets servers, redirects included, lead to the loopback interface and to
	// private networks.
	FollowAny
)

const (
	defaultTimeout = 30 * time.Second // librtmp's
	defaultBuffer  = 30 * time.Second // likewise
)

// clone copies o and fills in what zero stands for.
func (o *Options) clone() *Options {
	var c Options
	if o != nil {
		c = *o
	}
	c.ConnectData = slices.Clone(c.ConnectData)
	c.ConnectFields = slices.Clone(c.ConnectFields)
	c.SWFHash = slices.Clone(c.SWFHash)
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return &c
}

// publishes reports whether connect is a publisher's.
func (o *Options) publishes() bool { return o.Publish || o.PublishUser != "" }

// flashVer is connect's flashVer.
func (o *Options) flashVer() string {
	switch {
	case o.FlashVer != "":
		return o.FlashVer
	case o.publishes():
		return publisherFlashVer
	}
	return defaultFlashVer
}

const (
	// defaultFlashVer is librtmp's.
	defaultFlashVer = "LNX 10,0,32,18"
	// publisherFlashVer is what FMLE and OBS send, and what servers take for a publisher.
	publisherFlashVer = "FMLE/3.0 (compatible; FMSc/1.0)"
)

// buffer is what the server is told of ours.
func (o *Options) buffer() time.Duration {
	if o.Buffer != 0 {
		return o.Buffer
	}
	return defaultBuffer
}

// maxQueue is the limit of a stream's queue in bytes.
func (o *Options) maxQueue() int {
	if o.MaxQueue > 0 {
		return o.MaxQueue
	}
	return 16 << 20
}

// swfHashSize is that of HMAC-SHA256, in bytes.
const swfHashSize = 32

// validate refuses what can't be meant, rather than connect without it. The error is an *OptionError.
func (o *Options) validate() error {
	_, badProxy := transport.NewDialer(transport.Config{Proxy: o.Proxy})
	for _, bad := range []struct {
		is          bool
		name, value string
		why         error
	}{
		{o.ObjectEncoding != 0 && o.ObjectEncoding != 3, "ObjectEncoding", strconv.Itoa(o.ObjectEncoding), errors.New("neither 0 nor 3")},
		{o.ChunkSize < 0 || o.ChunkSize > chunk.MaxMessageLength, "ChunkSize", strconv.Itoa(o.ChunkSize),
			errors.New("not from 1 to 16777215")},
		{len(o.SWFHash) != 0 && len(o.SWFHash) != swfHashSize, "SWFHash", hex.EncodeToString(o.SWFHash), errors.New("not 32 bytes")},
		{len(o.SWFHash) != 0 && o.SWFSize == 0, "SWFSize", "", errors.New("SWFHash needs the player's size as well")},
		{o.SWFVerify && len(o.SWFHash) == 0 && o.SWFURL == "", "swfVfy", "", errors.New("needs swfUrl, or hash and size")},
		{o.Pipelining < PipelineNone || o.Pipelining > PipelineHandshake, "Pipelining", strconv.Itoa(int(o.Pipelining)),
			errors.New("not from 0 to 2")},
		{badProxy != nil, "Proxy", "", badProxy}, // without its value, which may hold a password
	} {
		if bad.is {
			return &OptionError{Name: bad.name, Value: bad.value, Err: bad.why}
		}
	}
	return nil
}
