package server

import (
	"context"
	"fmt"
	"time"

	"github.com/go-librtmp/rtmp/internal/method"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/message"
)

// App is an application. Every field is optional. Hooks are called one after the other on a goroutine of the connection that does
// not read, so they may wait, call the client, and use every method of the package. If a hook returns an error, the request is
// refused; see [Refusal]. A panic in a hook ends its connection only.
type App struct {
	// Connect is called before the client's connect is answered. Server.SetupTimeout does not include it.
	Connect func(ctx context.Context, c *Conn) error
	// Connected is called after connect has been accepted; the client may be called from here.
	Connected func(c *Conn)
	// Disconnect is called once for each Connect that returned nil, with the error that ended the connection.
	Disconnect func(c *Conn, err error)
	// Publish is called before a client may publish. Parameters after a ? in the name are in r.Query. The hook may change r.Path, by
	// which players ask for the stream. If it takes longer than 10 s, ctx ends and the client is refused.
	Publish func(ctx context.Context, r *Request) error
	// Unpublish is called once for each Publish that returned nil.
	Unpublish func(r *Request, st StreamStats)
	// Play is called before a client may play. It may change r.Path, too, and r.Start.
	Play func(ctx context.Context, r *Request) error
	// Stop is called once for each Play that returned nil.
	Stop func(r *Request, st StreamStats)
	// Methods are the methods that clients may call, by name. Names may contain dots. The text of an error is sent to the client, in
	// an _error.
	Methods map[string]Method
	// Command serves calls of methods that are not in Methods; nil: they are refused.
	Command func(ctx context.Context, c *Conn, cmd message.Command) (any, error)
	// Status is called for each onStatus from the client, and for each _error whose transaction id matches no call.
	Status func(c *Conn, s *message.StatusError)
	// Media reports whether a message that is published is passed on. It is called on the goroutine that reads: it must not wait,
	// and p is valid only during the call.
	Media func(r *Request, p *message.Packet) bool
	// Deliver reports whether a message is sent to a player. The rules of Media apply. With Deliver each player's messages are
	// prepared separately, which costs time if there are many players.
	Deliver func(r *Request, p *message.Packet) bool
	// Packet is called with every message from connect on, before it is served. The rules of Media apply. If done is true, the
	// Server does not serve the message. An error ends the connection.
	Packet func(c *Conn, p *message.Packet) (done bool, err error)

	Handler Handler       // serves streams in place of Live and Files; nil: none
	Live    Live          // how live streams are relayed
	Files   *Files        // where files are played from and recorded to; nil: there are none
	Shared  *SharedPolicy // rules for remote shared objects; nil: the zero SharedPolicy

	Publishers *Credentials // authentication of publishers, by Adobe's or Limelight's scheme; nil: none
	Player     *SWF         // the player that clients must prove to be before they play; nil: none
	Token      string       // key of the SecureToken challenge that clients must answer before they play; "": none
}

// Method serves a remote call. ctx ends with the connection.
type Method func(ctx context.Context, c *Conn, args []any) (any, error)

// Func makes a Method of any function, such as func(a, b float64) float64: the arguments of the call are converted to the
// parameters' types as amf.Assign does, and the result back as amf.AppendAMF0 does. The first parameter may be a context.Context,
// which [FromContext] finds the client in; the last result may be an error. A call with other arguments is answered with an _error
// that says which one does not fit, and f is not called.
//
// Func panics at once if f is not a function, has more than one result besides the error, or a parameter or result that no AMF value
// can be.
func Func(f any) Method {
	call, err := method.Adapt(f)
	if err != nil {
		panic("server: Func: " + err.Error())
	}
	return func(ctx context.Context, _ *Conn, args []any) (any, error) { return call(ctx, args) }
}

// Live says how an App relays live streams.
type Live struct {
	Takeover    TakeoverPolicy // who may publish a name that is being published
	StaleAfter  time.Duration  // silence after which TakeStale lets anyone replace a publisher; 0: 5 s; < 0: never
	PublishIdle time.Duration  // time without media after which a publisher is disconnected; 0: 30 s; < 0: never
	Linger      time.Duration  // how long players wait for a publisher to return after it has left; 0: 5 s; < 0: the stream ends at once
	Await       time.Duration  // how long players wait for a first publisher; 0: for ever; < 0: StreamNotFound at once
	MaxBitrate  int            // bits per second, over 10 s, above which a publisher is disconnected; 0: no limit
	NoCache     bool           // players begin with the next key frame instead of the last one
	Backlog     int            // bytes of memory for the end of the stream, for late joiners and slow players together; 0: 8 MiB
	BacklogTime time.Duration  // age up to which messages are kept for them; 0: 10 s
	Merge       time.Duration  // time for which messages are gathered before they are written to players; 0: none
}

// TakeoverPolicy says who may publish a name that is being published.
type TakeoverPolicy int

const (
	// TakeStale lets the same user replace the publisher at once, or without users the same address, and anyone else
	// who may publish once the publisher has been silent for StaleAfter. Publishers that share a NAT share an
	// address: use Credentials there.
	TakeStale TakeoverPolicy = iota
	// TakeNever refuses the newcomer.
	TakeNever
	// TakeAlways lets anyone who may publish replace the publisher.
	TakeAlways
)

// Files is a folder of FLV files. Names cannot lead out of it, not even through symbolic links.
//
// A recording named after Request.Path replaces an earlier one, or continues it if the client publishes with append. One
// that Name names replaces nothing: where the name is in use, "-2", "-3" and so on come before ".flv".
type Files struct {
	Dir         string
	Record      RecordMode                               // which streams are recorded
	Name        func(r *Request, start time.Time) string // returns the name of a recording, relative to Dir, see below; nil: Request.Path + ".flv"
	Done        func(r *Request, file string, err error) // called when a recording has been closed; err is what it lacks
	MaxSize     int64                                    // bytes of a recording, after which the next begins; 0: no limit
	MaxDuration time.Duration                            // duration of a recording, after which the next begins; 0: no limit
	MinFree     int64                                    // free bytes on the disk below which nothing is recorded; 0: 100 MiB
	MaxTotal    int64                                    // bytes of files in Dir above which nothing is recorded; 0: no limit
	AsFast      bool                                     // files are sent as fast as clients read, however small their buffer
}

// RecordMode says which streams are recorded.
type RecordMode int

const (
	RecordAsked RecordMode = iota // those published with record or append
	RecordAll                     // all
	RecordNone                    // none
)

// Credentials are the users and passwords of publishers. Adobe's and Limelight's schemes ask for them when a client
// connects, so only clients that announce in connect that they are going to publish are asked. Clients without
// credentials cannot publish.
type Credentials struct {
	Scheme   string // "adobe" or "llnw"
	Password func(ctx context.Context, user string) (password string, ok bool)
}

// SWF describes the player that clients must prove to be: its hash and size, as package swf computes them.
type SWF struct {
	Hash []byte
	Size uint32
}

// SharedPolicy says what clients may do with remote shared objects.
type SharedPolicy struct {
	Write      func(c *Conn, name string) error // called before a change, which an error refuses; nil: all changes are allowed
	Dir        string                           // folder in which persistent objects are kept; "": they are kept in memory
	MaxObjects int                              // objects of an application's instance; 0: 256
	MaxSize    int                              // bytes of memory of an object; 0: 1 MiB. All objects of a Server have 256 MiB
}

// Refusal is an error of a hook that says what the client is told. For other errors that is NetConnection.Connect.Rejected,
// NetStream.Publish.Denied or NetStream.Play.Failed without a text; the text is logged.
type Refusal struct {
	Code        string // status code; "": the one that fits the hook
	Description string
	RedirectTo  string // URL of another server, for connect and HTTP viewers; "": none
}

// Error returns the code and the description.
func (r *Refusal) Error() string {
	text := "server: refused"
	if r.Code != "" {
		text += ": " + quote.Peer(r.Code)
	}
	if r.Description != "" {
		text += ": " + r.Description
	}
	return text
}

// Deny returns a Refusal with a description, and with the code that fits the hook.
func Deny(format string, args ...any) error {
	return &Refusal{Description: fmt.Sprintf(format, args...)}
}

// Redirect returns a Refusal that tells the client to connect to url instead.
func Redirect(url string) error {
	return &Refusal{Code: message.CodeConnectRejected, Description: "RTMP 302 Redirect", RedirectTo: url}
}
