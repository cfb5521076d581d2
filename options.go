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

// Options configures a Conn. The zero value is ready to use. The zero value of a field means librtmp's default if librtmp has one. New
// copies the Options. If a value is invalid, Connect returns an *OptionError.
//
// The first fields say what to play or publish. Playpath, App and TCURL override parts of the URL.
type Options struct {
	// Playpath is the name of the stream to play or publish. Empty means the name in the URL.
	Playpath string
	// Publish makes connect look like an encoder's, for servers that treat players and publishers differently. Set it if any stream of the
	// Conn is opened with StreamOptions.Writable. It does not open a stream.
	Publish bool
	// PublishUser and PublishPassword are for servers that ask a publisher for credentials (authmod adobe or llnw). PublishUser implies
	// Publish. If PublishUser is empty, the credentials in the URL are used, as in rtmp://user:password@host/app.
	PublishUser, PublishPassword string
	// Live plays only a live stream: the start argument of play is -1000. If Live is false, play asks for a recording from Start on. Most
	// servers then also play a live stream of that name.
	Live bool
	// Start is the position at which a recording starts, with a precision of milliseconds. Zero means its beginning.
	Start time.Duration
	// Stop is the position at which a recording stops, measured from its beginning. Zero means its end.
	Stop time.Duration

	// These fields configure the behaviour of the Conn.

	// BackgroundRead reads from the connection even while no call waits for anything, so that pings and calls of the server are always
	// answered. A Conn with a published stream always does so. See "Reading" in the package documentation.
	BackgroundRead bool
	// Handlers serve the methods that the server may call, by name. They are like handlers set with InvokeHandler, but are in place before
	// Connect begins. A server may call a method as soon as it has accepted connect.
	Handlers map[string]HandlerFunc
	// OnStatus is called for every onStatus message of the server. s is nil if the status is about the connection, or about a
	// stream that was closed. OnStatus runs like a handler; see HandlerFunc.
	OnStatus func(s *Stream, status *StatusError)
	// Logger receives errors, warnings and, at level Debug, the commands and events of the server. Nil means that nothing is logged.
	Logger *slog.Logger
	// Trace has functions that are called while connecting and with each message. Nil means none.
	Trace *Trace
	// Capture records what is sent and received, without secrets, so that package capture can read and replay it. Nil means that nothing is
	// recorded. Each attempt to connect is a separate session. Each Write passes a complete block of the format, at most about a second
	// after the messages in it. Several Conns may share a writer that is safe for concurrent use. If the writer returns an error or blocks
	// for 5 seconds, the recording ends and the connection continues. While the writer blocks, the connection and Close wait.
	Capture io.Writer
	// Pipelining saves round trips: it makes Connect send commands before the server has answered earlier ones. Zero is PipelineNone, which
	// waits for every answer, as librtmp does.
	Pipelining Pipelining
	// FollowReconnect says to which addresses Follow may lead when a server asks its clients to reconnect. Zero is FollowSameHost.
	FollowReconnect ReconnectPolicy
	// MaxRedirects is how many redirects Connect follows. In a redirect, a server refuses connect and names another server. Zero means
	// none. Follow documents which options are passed to the other server.
	MaxRedirects int
	// NoEnhanced leaves the announcement of Enhanced RTMP out of connect; see Capabilities. Some devices hang up when they receive the
	// announcement.
	NoEnhanced bool

	// These fields configure the network.

	// Timeout bounds dialling and the handshake together, each wait for an answer, each 128 KiB of a write, and a read that receives no
	// byte. Zero means 30 seconds. If it is negative, there is no bound.
	Timeout time.Duration
	// MediaTimeout bounds how long Read, WriteTo and ReadPacket of a Stream wait for a complete audio, video or data message. Unlike
	// Timeout, it also ends a read from a server that sends only a few bytes from time to time. Zero means no bound.
	MediaTimeout time.Duration
	// Buffer is the buffer length that is announced to the server (SetBufferLength). A server may send a recording ahead of time by that
	// much. Zero means 30 seconds. Once the duration of a recording is known, a Stream raises the buffer length to the whole recording,
	// unless StreamOptions.NoBufferUpdate is set. Servers that pace by timestamps, such as nginx-rtmp, stop sending if the timestamps of a
	// recording begin later than the buffer length, or jump by more. So a program that saves recordings should set a longer time than any
	// recording, as rtmpdump does with 10 hours. But nginx-rtmp loses messages of a recording that it may send faster than the network
	// carries it; docs/downloaders.md says how to avoid that.
	Buffer time.Duration
	// Proxy is the URL of a proxy: socks4, socks4a, socks5, http or https, with user:password@ if the proxy requires credentials. With
	// socks4, names are resolved locally; the other proxies resolve names themselves. "direct" means no proxy. Empty means the proxy of the
	// environment variables ALL_PROXY and NO_PROXY; for tunnels and SWF downloads, HTTP_PROXY and HTTPS_PROXY take precedence. The
	// environment's proxy is not used for loopback addresses.
	Proxy string
	// DialContext connects to addr, "host:port", which may be the address of a proxy. Nil means net.Dialer. If the connections do not
	// support deadlines, a read or write that blocks after Connect has returned can be ended only by Close. The connection must allow a
	// write to continue after a deadline has interrupted it. A *tls.Conn does not: for TLS, use an rtmps URL and a DialContext that returns
	// the connection below TLS.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// HTTPClient is used for tunnels, which follow no redirects, and for SWF downloads. Proxy, DialContext and TLSConfig do not apply to it.
	// Nil means a client made from these options.
	HTTPClient *http.Client

	// These fields set limits.

	// ChunkSize is the size of the chunks in which a publisher sends, in bytes, from 1 to 16777215. Zero means 4096. It is
	// announced when the first stream is published; until then it is RTMP's default of 128.
	ChunkSize int
	// MaxMessageSize is the longest message that the server may send, in bytes. Zero means 16 MiB, the longest that RTMP allows. A longer
	// message is a *ProtocolError.
	MaxMessageSize int
	// MaxQueue is how many bytes of media are queued for a Stream that is not being read, while another call reads from the connection.
	// When the queue is full, the other call returns ErrStreamBacklog. Zero means 16 MiB.
	MaxQueue int
	// SendQueue is how many bytes of media may wait to be sent, for each Stream. If a message does not fit, older media up to a key frame
	// is dropped, so that writes never block. Zero means that nothing is dropped, and that writes block.
	SendQueue int

	// These fields configure security.

	// TLSConfig is used for rtmps, rtmpts and https. Nil means the defaults of crypto/tls, which verify certificates. NextProtos and
	// Renegotiation are ignored.
	TLSConfig *tls.Config
	// Token is the key that answers a server's SecureToken challenge. Empty means that a challenge is not answered.
	Token string
	// UsherToken is sent in a call of NetStream.Authenticate.UsherToken before a stream is played (librtmp's jtv). Empty means that the
	// call is not sent.
	UsherToken string
	// Auth is appended to connect, after the boolean true. Empty means that neither the boolean nor Auth is sent.
	Auth string

	// These fields identify the client to Adobe's servers and others of that time.

	// App is the application that connect names. Empty means the application in the URL.
	App string
	// TCURL is connect's tcUrl. Empty means that it is derived from the URL.
	TCURL string
	// PageURL is connect's pageUrl, the web page that contains the player. Empty means that it is not sent.
	PageURL string
	// SWFURL is connect's swfUrl, the address of the player. Empty means that it is not sent.
	SWFURL string
	// FlashVer is connect's flashVer, the version of the player. Empty means "LNX 10,0,32,18" or, if Publish is set, the version that
	// encoders send.
	FlashVer string
	// Subscribe is the name for FCSubscribe, which some servers require before play. Empty means the stream's name if Live is set;
	// otherwise FCSubscribe is not sent.
	Subscribe string
	// Playlist sends set_playlist before play.
	Playlist bool
	// ConnectData is appended to connect, in order (librtmp's conn).
	ConnectData []any
	// ConnectFields are added to connect's command object. They replace properties of the same name.
	ConnectFields amf.Object
	// ObjectEncoding is the version of AMF that connect asks for, 0 or 3.
	ObjectEncoding int
	// SWFHash and SWFSize identify the player in SWF verification, which some servers require. SWFHash has 32 bytes, and SWFSize is the
	// size of the uncompressed player in bytes; see swf.Hash. If SWFHash is nil and SWFVerify is not set, requests for verification are not
	// answered.
	SWFHash []byte
	SWFSize uint32
	// SWFVerify makes Connect download the player from SWFURL and hash it, unless SWFHash is set. Hashes are kept in librtmp's
	// cache, ~/.swfinfo.
	SWFVerify bool
	// SWFAge is how long a hash in the cache is used without asking the web server whether the player has changed. Zero means 30
	// days. If it is negative, the web server is always asked.
	SWFAge time.Duration

	refuse transport.Nearness // refuse addresses as near as this or nearer, since a server has named the address; 0 refuses none
}

// StreamOptions says what a Stream is for. The zero value plays the stream that the URL or Options.Playpath names.
type StreamOptions struct {
	// Name is the stream's name. Empty means Options.Playpath or the name in the URL.
	Name string
	// Writable publishes the stream instead of playing it. Set Options.Publish as well, so that the server knows from the
	// beginning that a publisher connects.
	Writable bool
	// PublishType says what the server does with the media: "live" distributes it, "record" also writes a file, and "append"
	// adds to that file. Empty means "live". Many servers ignore it.
	PublishType string
	// Seek is the position at which a recording starts, with a precision of milliseconds. Zero means Options.Start.
	Seek time.Duration
	// NoBufferUpdate keeps the announced buffer length (Options.Buffer). If it is false, the buffer length is raised to the recording's
	// duration plus five seconds as soon as the duration is known, so that the server sends at full speed.
	NoBufferUpdate bool
}

// ReconnectPolicy says to which addresses Conn.Follow may lead when a server sends NetConnection.Connect.ReconnectRequest (E-RTMP v2,
// "Reconnect Request").
type ReconnectPolicy int

const (
	// FollowSameHost allows only the same host and port.
	FollowSameHost ReconnectPolicy = iota
	// FollowNone allows nothing.
	FollowNone
	// FollowAny allows any host and port, including the loopback interface and private networks. It also applies to Options.MaxRedirects.
	FollowAny
)

// defaultBuffer is librtmp's default.
const defaultBuffer = 30 * time.Second

// clone copies o and fills in defaults.
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
	if c.MaxQueue <= 0 {
		c.MaxQueue = defaultMaxQueue
	}
	return &c
}

// publishes reports whether to connect as a publisher.
func (o *Options) publishes() bool { return o.Publish || o.PublishUser != "" }

// flashVer returns connect's flashVer.
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
	// defaultFlashVer is librtmp's default.
	defaultFlashVer = "LNX 10,0,32,18"
	// publisherFlashVer is the version that FMLE and OBS send. Some servers recognize publishers by it.
	publisherFlashVer = "FMLE/3.0 (compatible; FMSc/1.0)"
)

// buffer returns the buffer length to announce to the server.
func (o *Options) buffer() time.Duration {
	if o.Buffer != 0 {
		return o.Buffer
	}
	return defaultBuffer
}

// swfHashSize is the size of an HMAC-SHA256, in bytes.
const swfHashSize = 32

// validate returns an *OptionError for the first invalid option.
func (o *Options) validate() error {
	for _, bad := range []struct {
		is          bool
		name, value string
		why         string
	}{
		{o.ObjectEncoding != 0 && o.ObjectEncoding != 3, "ObjectEncoding", strconv.Itoa(o.ObjectEncoding), "must be 0 or 3"},
		{o.ChunkSize < 0 || o.ChunkSize > chunk.MaxMessageLength, "ChunkSize", strconv.Itoa(o.ChunkSize),
			"must be from 1 to 16777215"},
		{len(o.SWFHash) != 0 && len(o.SWFHash) != swfHashSize, "SWFHash", hex.EncodeToString(o.SWFHash), "must be 32 bytes"},
		{len(o.SWFHash) != 0 && o.SWFSize == 0, "SWFSize", "", "must be set together with SWFHash"},
		{o.SWFVerify && len(o.SWFHash) == 0 && o.SWFURL == "", "swfVfy", "", "needs SWFURL"},
		{o.Pipelining < PipelineNone || o.Pipelining > PipelineHandshake, "Pipelining", o.Pipelining.String(),
			"must be PipelineNone, PipelineCommands or PipelineHandshake"},
		{o.FollowReconnect < FollowSameHost || o.FollowReconnect > FollowAny, "FollowReconnect", strconv.Itoa(int(o.FollowReconnect)),
			"must be FollowSameHost, FollowNone or FollowAny"},
	} {
		if bad.is {
			return &OptionError{Name: bad.name, Value: bad.value, Err: errors.New(bad.why)}
		}
	}
	if _, err := transport.NewDialer(transport.Config{Proxy: o.Proxy}); err != nil {
		return &OptionError{Name: "Proxy", Err: err} // omit the value, which may contain a password
	}
	return nil
}
