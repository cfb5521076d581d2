package rtmp

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/transport"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// Options configure a Conn. Every zero value works and means librtmp's default where it has one. Values that make no sense
// make Connect fail with an *OptionError.
type Options struct {
	App        string // connect's app; "": from the URL
	Playpath   string // what to play; "": from the URL
	TCURL      string // connect's tcUrl; "": derived from the URL
	PageURL    string // connect's pageUrl; "": absent
	SWFURL     string // connect's swfUrl; "": absent
	Auth       string // if set, connect carries true and this string behind its object
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
	// Buffer is told to the server, which may send so far ahead; 0: 30 s. Servers that count by timestamps, as nginx-rtmp, fall
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

	BackgroundRead bool // read even while nobody waits, so that pings and calls are always answered
	NoEnhanced     bool // announce nothing of Enhanced RTMP, see Capabilities: some devices break on it

	// Handlers serve the methods of those names, as InvokeHandler would make them, but from the start: a server may call as
	// soon as it has accepted connect.
	Handlers map[string]HandlerFunc
	// OnStatus is told every onStatus, s is nil for the connection's and those of a stream that was closed. It runs like a
	// handler. nil: nobody is told.
	OnStatus func(s *Stream, status *StatusError)
	Logger   *slog.Logger // nil: silent

	refuse transport.Nearness // addresses so near, and nearer ones, are not connected to: a server has named them; 0: all are
}

// defaultTimeout is librtmp's.
const defaultTimeout = 30 * time.Second

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

// setup is what a Conn is told before it connects, and what conn= has left open meanwhile.
type setup struct {
	url       *rtmpurl.URL
	opts      *Options // our own copy
	connItems connectData
}

func (s *setup) clone() setup {
	return setup{url: s.url, opts: s.opts.clone(), connItems: s.connItems.clone()}
}

// optionTable is the one list of options by name: for SetOption, for the tail of a URL, and of what each one sets.
// Names are librtmp's and match in any letter case.
var optionTable = []struct {
	name   string
	secret bool // the value stays out of errors
	set    func(s *setup, value string) error
}{
	{"app", false, text(func(o *Options) *string { return &o.App })},
	{"tcUrl", false, text(func(o *Options) *string { return &o.TCURL })},
	{"pageUrl", false, text(func(o *Options) *string { return &o.PageURL })},
	{"swfUrl", false, text(func(o *Options) *string { return &o.SWFURL })},
	{"flashver", false, text(func(o *Options) *string { return &o.FlashVer })},
	{"conn", true, func(s *setup, item string) error { return s.connItems.add(&s.opts.ConnectData, item) }}, // S:... often is a ticket
	{"playpath", false, text(func(o *Options) *string { return &o.Playpath })},
	{"subscribe", false, text(func(o *Options) *string { return &o.Subscribe })},
	{"socks", false, func(s *setup, value string) error { s.opts.Proxy = "socks4://" + value; return nil }},
	{"jtv", true, text(func(o *Options) *string { return &o.UsherToken })},
	{"token", true, text(func(o *Options) *string { return &o.Token })},
	{"pubUser", false, text(func(o *Options) *string { return &o.PublishUser })},
	{"pubPasswd", true, text(func(o *Options) *string { return &o.PublishPassword })},
	{"live", false, flag(func(o *Options) *bool { return &o.Live })},
	{"playlist", false, flag(func(o *Options) *bool { return &o.Playlist })},
	{"swfVfy", false, flag(func(o *Options) *bool { return &o.SWFVerify })},
	{"swfAge", false, number(24*time.Hour, func(o *Options) *time.Duration { return &o.SWFAge }, -1)},
	{"start", false, number(time.Millisecond, func(o *Options) *time.Duration { return &o.Start }, 0)},
	{"stop", false, number(time.Millisecond, func(o *Options) *time.Duration { return &o.Stop }, 0)},
	{"buffer", false, number(time.Millisecond, func(o *Options) *time.Duration { return &o.Buffer }, 0)},
	{"timeout", false, number(time.Second, func(o *Options) *time.Duration { return &o.Timeout }, -1)},
}

func text(field func(*Options) *string) func(*setup, string) error {
	return func(s *setup, value string) error { *field(s.opts) = value; return nil }
}

func flag(field func(*Options) *bool) func(*setup, string) error {
	return func(s *setup, value string) error {
		switch strings.ToLower(value) {
		case "1", "on", "yes", "true":
			*field(s.opts) = true
		case "0", "off", "no", "false":
			*field(s.opts) = false
		default:
			return errors.New("not a boolean: 1, on, yes, true, 0, off, no or false")
		}
		return nil
	}
}

// number reads an integer as C's strtol does with base 0: decimal, 0x hexadecimal or 0 octal. What does not fit into a
// time.Duration (292 years) is refused. zero replaces 0 for fields whose zero value already means something else.
func number(unit time.Duration, field func(*Options) *time.Duration, zero time.Duration) func(*setup, string) error {
	return func(s *setup, value string) error {
		n, err := strconv.ParseInt(value, 0, 32)
		if err != nil {
			return errors.New("not a whole number")
		}
		d := time.Duration(n) * unit
		if d/unit != time.Duration(n) {
			return errors.New("out of range")
		}
		if n == 0 {
			d = zero
		}
		*field(s.opts) = d
		return nil
	}
}

// set sets an option by librtmp's name and in librtmp's syntax. The error is an *OptionError.
func (s *setup) set(name, value string) error {
	for _, option := range optionTable {
		if !strings.EqualFold(option.name, name) {
			continue
		}
		if err := option.set(s, value); err != nil {
			if option.secret {
				value = ""
			}
			return &OptionError{Name: option.name, Value: value, Err: err}
		}
		return nil
	}
	return &OptionError{Name: name, Err: errors.New("no such option")}
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
		{badProxy != nil, "Proxy", "", badProxy}, // without its value, which may hold a password
	} {
		if bad.is {
			return &OptionError{Name: bad.name, Value: bad.value, Err: bad.why}
		}
	}
	return nil
}

var errConnected = errors.New("must be set before Connect")

// SetOption sets an option by librtmp's name (live, start, conn, ...) and in librtmp's syntax: durations in milliseconds
// but timeout in seconds and swfAge in days, booleans as 1/on/yes/true and 0/off/no/false. The error is an *OptionError.
func (c *Conn) SetOption(name, value string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connecting {
		return &OptionError{Name: name, Err: errConnected}
	}
	return c.setup.set(name, value)
}

// SetupURL replaces the URL, and sets the options that follow it: "rtmp://host/app/play name=value ...". When it fails
// nothing has changed.
func (c *Conn) SetupURL(rawURL string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connecting {
		return &OptionError{Name: "url", Err: errConnected}
	}
	rawURL, options, err := rtmpurl.SplitOptions(rawURL)
	if err != nil {
		return err
	}
	changed := c.setup.clone()
	if changed.url, err = rtmpurl.Parse(rawURL); err != nil {
		return err
	}
	for _, option := range options {
		if err := changed.set(option.Name, option.Value); err != nil {
			return err
		}
	}
	c.setup = changed
	return nil
}
