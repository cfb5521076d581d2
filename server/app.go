package server

import (
	"context"
	"fmt"
	"time"

	"github.com/go-librtmp/rtmp/internal/method"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/message"
)

// App is an application. Every field may be left out. Hooks run on a goroutine of the connection, one after the other, and never on
// the one that reads, so they may wait, call the client, and use every method of the package. An error refuses what was asked; see
// [Refusal]. A hook that panics ends its connection, and no other.
type App struct {
	// Connect is called before the client's connect is answered. The time it takes does not count for
	// Server.SetupTimeout.
	Connect func(ctx context.Context, c *Conn) error
	// Connected is called after connect has been accepted; the client may be called from here.
	Connected func(c *Conn)
	// Disconnect is called once for each Connect that returned nil, with what has ended the connection.
	Disconnect func(c *Conn, err error)
	// Publish is called before a client may publish. What follows a ? in the name is in r.Query; the hook may change r.Path, by
	// which players ask for the stream. If it takes longer than 10 s, the client is refused and ctx ends.
	Publish func(ctx context.Context, r *Request) error
	// Unpublish is called once for each Publish that returned nil.
	Unpublish func(r *Request, st StreamStats)
	// Play is called before a client may play, likewise.
	Play func(ctx context.Context, r *Request) error
	// Stop is called once for each Play that returned nil.
	Stop func(r *Request, st StreamStats)
	// Methods are what clients may call, by name, which may have dots. An error is sent to the client as an _error, with its text.
	Methods map[string]Method
	// Command serves calls of methods that are not in Methods; nil: they are refused.
	Command func(ctx context.Context, c *Conn, cmd message.Command) (any, error)
	// Status is called for an onStatus of the client's, and an _error whose transaction id matches no call.
	Status func(c *Conn, s *message.StatusError)
	// Media sees each message that is published; false drops it. It is called on the goroutine that reads: it must not wait, and
	// p is valid during the call only.
	Media func(r *Request, p *message.Packet) bool
	// Deliver sees each message before it is sent to a player, likewise. Each player's messages are then prepared separately, which
	// costs time where there are many.
	Deliver func(r *Request, p *message.Packet) bool
	// Packet sees every message before it is served, likewise. If done is true, the Server leaves it alone. An error ends the
	// connection.
	Packet func(c *Conn, p *message.Packet) (done bool, err error)

	Handler Handler       // serves streams instead of Live and Files
	Live    Live          // the relay's policies
	Files   *Files        // recordings; nil: none
	Shared  *SharedPolicy // remote shared objects; nil: allowed, in memory

	Publishers *Credentials // Adobe's or Limelight's authentication of publishers; nil: none
	Player     *SWF         // SWF verification before play; nil: none
	Token      string       // key of the SecureToken challenge before play; "": none
}

// Method serves a remote call. ctx ends with the connection.
type Method func(ctx context.Context, c *Conn, args []any) (any, error)

// Func makes a Method of any function, such as func(a, b float64) float64: the arguments of the call are converted to the
// parameters' types as amf.Assign does, and the result back as amf.AppendAMF0 does. The first parameter may be a context.Context,
// which [FromContext] finds the client in; the last result may be an error. A call with other arguments is answered with an _error
// that says which one does not fit, and f is not called.
//
// Func panics at once if f is not a function, has more than one result beside the error, or a parameter or result that no AMF value
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
	Takeover    TakeoverPolicy // of a name that is being published: TakeStale, TakeNever, TakeAlways
	StaleAfter  time.Duration  // TakeStale: the old publisher has been silent for so long; 0: 5 s
	PublishIdle time.Duration  // a publisher without media is dropped; 0: 30 s; < 0: never
	Linger      time.Duration  // how long players stay on a stream when its publisher has ended it or is lost; 0: 5 s; < 0: it ends at once
	Await       time.Duration  // how long players wait for a publisher; 0: for ever; < 0: StreamNotFound at once
	MaxBitrate  int            // bit/s over 10 s beyond which a publisher is ended; 0: no limit
	NoCache     bool           // begin with the next key frame, not with the last
	Backlog     int            // bytes kept of a stream, for late joiners and slow players together; 0: 8 MiB
	BacklogTime time.Duration  // likewise; 0: 10 s
	Merge       time.Duration  // gather so long before writing to players; 0: not at all
}

// TakeoverPolicy says who may publish a name that is being published.
type TakeoverPolicy int

const (
	// TakeStale lets the same user in at once, or the same address where there are no users, and anybody else who may publish once the
	// old publisher has been silent for StaleAfter. Publishers behind one NAT have one address: Credentials tell them apart.
	TakeStale TakeoverPolicy = iota
	// TakeNever lets nobody in.
	TakeNever
	// TakeAlways lets in anybody who may publish.
	TakeAlways
)

// Files is a folder of FLV files. No name leads out of it, not even through symbolic links.
type Files struct {
	Dir         string
	Record      RecordMode                               // RecordAsked (record, append), RecordAll, RecordNone
	Name        func(r *Request, start time.Time) string // of the file to write, relative to Dir; nil: Path.flv
	Done        func(r *Request, file string, err error) // a recording is closed
	MaxSize     int64                                    // of a recording in bytes, then the next begins; 0: none
	MaxDuration time.Duration                            // likewise
	MinFree     int64                                    // bytes left on the disk below which nothing is recorded; 0: 100 MiB
	MaxTotal    int64                                    // bytes in Dir above which nothing is recorded; 0: no limit
	AsFast      bool                                     // send files as fast as clients read, however small their buffer
}

// RecordMode says what is recorded.
type RecordMode int

const (
	RecordAsked RecordMode = iota // what is published with record or append
	RecordAll                     // everything
	RecordNone                    // nothing
)

// Credentials are the users and passwords of publishers. Adobe's and Limelight's schemes ask for them when a client connects, so only
// those that say in connect that they are going to publish are asked. Nobody publishes without.
type Credentials struct {
	Scheme   string // adobe, llnw
	Password func(ctx context.Context, user string) (password string, ok bool)
}

// SWF is the player that clients have to be: the hash and size that package swf computes.
type SWF struct {
	Hash []byte
	Size uint32
}

// SharedPolicy says what clients may do with remote shared objects.
type SharedPolicy struct {
	Write      func(c *Conn, name string) error // asked before a change; an error refuses it. nil: all may be changed
	Dir        string                           // where persistent objects are kept; "": in memory
	MaxObjects int                              // of an application; 0: 256
	MaxSize    int                              // of an object, in bytes; 0: 1 MiB
}

// Refusal is an error with its place in RTMP. Other errors of hooks are told as NetConnection.Connect.Rejected,
// NetStream.Publish.Denied or NetStream.Play.Failed, without their text, which is logged.
type Refusal struct {
	Code        string // "": the one that fits the hook
	Description string
	RedirectTo  string // a URL where the client may try; for connect
}

// Error tells the code and the description.
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

// Deny refuses with a description, and the code that fits the hook.
func Deny(format string, args ...any) error {
	return &Refusal{Description: fmt.Sprintf(format, args...)}
}

// Redirect refuses a connect and tells the client to try url instead.
func Redirect(url string) error {
	return &Refusal{Code: message.CodeConnectRejected, Description: "RTMP 302 Redirect", RedirectTo: url}
}
