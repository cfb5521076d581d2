package server

import (
	"context"
	"fmt"
	"time"

	"github.com/go-librtmp/rtmp/internal/method"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/message"
)

// App is an application. Every field is optional. The hooks of a connection are called one after the other, on a goroutine that does not
// read. They may therefore block, call the client, and use every method of the package. If a hook returns an error, the request is refused;
// see [Refusal]. A panic in a hook ends only its connection.
type App struct {
	// Connect is called before the server answers the client's connect command. Its duration does not count towards Server.SetupTimeout.
	// HTTP viewers do not connect: of the hooks, they cause only Play and Stop.
	Connect func(ctx context.Context, c *Conn) error
	// Connected is called after connect has been accepted. From then on the server may call the
	// client.
	Connected func(c *Conn)
	// Disconnect is called once for each Connect that returned nil, with the error that ended the connection.
	Disconnect func(c *Conn, err error)
	// Publish is called before a client may publish. Parameters after a ? in the name are in r.Query. The hook may change r.Path, the path
	// at which players find the stream. If the hook takes longer than PublishTimeout, ctx is cancelled and the client is refused.
	Publish func(ctx context.Context, r *Request) error
	// Unpublish is called once for each Publish that returned nil. If the client ends a stream without players and keeps its connection,
	// the call may be up to 100 ms late.
	Unpublish func(r *Request, st StreamStats)
	// Play is called before a client may play. It may change r.Path and r.Start.
	Play func(ctx context.Context, r *Request) error
	// Stop is called once for each Play that returned nil.
	Stop func(r *Request, st StreamStats)
	// Methods are the methods that clients may call, by name. Names may contain dots. If a method returns an error, its text is sent
	// to the client in an _error, unlike the text of a hook's error. A Refusal or *message.StatusError also chooses the code.
	Methods map[string]Method
	// Command serves calls of methods that are not in Methods, with errors like theirs. Nil means that such calls are refused.
	Command func(ctx context.Context, c *Conn, cmd message.Command) (any, error)
	// Status is called for each onStatus from the client, and for each _error whose transaction id matches no call.
	Status func(c *Conn, s *message.StatusError)
	// Media reports whether to relay a published message. It is called on the goroutine that reads, so it must not block. p is valid
	// only during the call.
	Media func(r *Request, p *message.Packet) bool
	// Deliver reports whether to send a message to a player. The rules of Media apply. Deliver makes the server prepare the messages of
	// each player separately, which costs time if there are many players.
	Deliver func(r *Request, p *message.Packet) bool
	// Packet is called with the connect command and every message after it, before the Server serves the message. The rules of
	// Media apply. If done is true, the Server does not serve the message. An error ends the connection.
	Packet func(c *Conn, p *message.Packet) (done bool, err error)

	Handler Handler       // serves streams instead of Live and Files; nil means no handler
	Live    Live          // how live streams are relayed
	Files   *Files        // where files are played from and recorded to; nil means that there are no files
	Shared  *SharedPolicy // rules for remote shared objects; nil means the zero SharedPolicy

	Publishers *Credentials // authentication of publishers, by Adobe's or Limelight's scheme; nil means none
	Player     *SWF         // player for SWF verification, which clients must pass before they play; nil means no verification
	Token      string       // key of the SecureToken challenge that clients must answer before they play; "" means no challenge
}

// Method serves a remote call. ctx ends with the connection. The methods of a client run one after the other, together with its hooks, so a
// method that takes long delays the client's other calls and streams.
//
// The client receives the result, or the text of the error. If that text may contain what clients must not learn, such as the name of a file
// in an error of the system, log the error and return another, for example a [Refusal].
type Method func(ctx context.Context, c *Conn, args []any) (any, error)

// Func makes a Method of any function, such as func(a, b float64) float64. The arguments of the call are converted to the parameters' types
// as amf.Assign does, and the result is converted as amf.AppendAMF0 does. The first parameter may be a context.Context, from which
// [FromContext] returns the client. The last result may be an error. If the arguments of a call do not fit, f is not called, and the client
// receives an _error that names the argument.
//
// Func panics if f is not a function, has more than one result besides the error, or has a parameter or result whose type AMF can't
// express.
func Func(f any) Method {
	call, err := method.Adapt(f)
	if err != nil {
		panic("rtmp: Func: " + err.Error())
	}
	return func(ctx context.Context, _ *Conn, args []any) (any, error) { return call(ctx, args) }
}

// Live says how an App relays live streams.
type Live struct {
	Takeover    TakeoverPolicy // who may publish a name that is already being published
	StaleAfter  time.Duration  // time without media after which TakeStale lets anyone replace a publisher; 0 means 5 s, < 0 never
	PublishIdle time.Duration  // time without media after which a publisher is disconnected; 0 means 30 s, < 0 never
	Linger      time.Duration  // how long players wait for a publisher that has left to return; 0 means 5 s, < 0 not at all
	Await       time.Duration  // how long players wait for the first publisher; 0 means forever, < 0 not at all: they get StreamNotFound
	MaxBitrate  int            // bits per second, averaged over 10 s, above which a publisher is disconnected; 0 means no limit
	NoCache     bool           // players begin with the next key frame instead of the last one
	Backlog     int            // bytes of messages before the newest that are kept in memory, for late joiners and slow players; 0 means 8 MiB
	BacklogTime time.Duration  // age up to which messages are kept; 0 means 10 s
	Merge       time.Duration  // time for which messages are collected before they are written to players; 0 means that each is written at once
}

// TakeoverPolicy says who may publish a name that is already being published.
type TakeoverPolicy int

const (
	// TakeStale lets the same user replace the publisher at once. If clients do not authenticate, it does the same for a client from the
	// same address. Anyone else who may publish can replace a publisher that has sent no media for StaleAfter. Clients behind the same NAT
	// have the same address, so use Credentials for them.
	TakeStale TakeoverPolicy = iota
	// TakeNever refuses everyone until the publisher has left.
	TakeNever
	// TakeAlways lets anyone who may publish replace the publisher.
	TakeAlways
)

// Files is a folder of FLV files. Names cannot lead out of it, not even through symbolic links.
//
// A recording gets a new file. If its name is in use, "-2", "-3" and so on are inserted before ".flv", so an encoder that connects again does
// not replace what was recorded before. Only a client that asks for it, by publishing with the type record, replaces an earlier recording with
// the default name, Request.Path + ".flv"; with append, it continues the file. If a name that the field Name returns does not end with ".flv",
// this is added. Name is called for each file, so also while a client publishes. The recording waits for it, and Server.Close for the
// recording, so Name should return at once.
//
// A recording begins with the first message that is neither metadata nor a codec's configuration. If a publisher sends none, an earlier
// recording is kept, and no file is left.
//
// A publisher that sends faster than its timestamps, as programs do that upload a file, or whose timestamps stand still, waits for the disk.
// Other publishers never wait, so that a slow disk does not delay players: what is still not written when it is older than Live.Backlog or
// Live.BacklogTime is missing in the file.
//
// Done is called for each file of a recording when it has been closed. err is not nil if the file is incomplete. If a file could not be begun,
// file is empty, also if the client has asked for the recording and is therefore refused. Without Done, the Server logs the errors.
type Files struct {
	Dir         string
	Record      RecordMode                               // which streams are recorded
	Name        func(r *Request, start time.Time) string // returns the name of a recording, relative to Dir; nil means Request.Path + ".flv"
	Done        func(r *Request, file string, err error) // receives the outcome of each recording; see above
	MaxSize     int64                                    // size of a recording in bytes after which the next begins; 0 means no limit
	MaxDuration time.Duration                            // duration of a recording after which the next begins; 0 means no limit
	MinFree     int64                                    // free bytes on the disk below which nothing is recorded; 0 means 100 MiB
	MaxTotal    int64                                    // total size of the files in Dir in bytes above which nothing is recorded; 0 means no limit
	AsFast      bool                                     // send files as fast as clients read, even if their buffers are small
}

// RecordMode says which streams are recorded.
type RecordMode int

const (
	RecordAsked RecordMode = iota // streams that are published with record or append
	RecordAll                     // all
	RecordNone                    // none
)

// Credentials are the users and passwords of publishers. Both schemes, Adobe's and Limelight's, ask for them when a client connects. Only
// clients that announce in connect that they will publish are asked, and only clients that have authenticated can publish.
type Credentials struct {
	Scheme   string // "adobe" or "llnw"
	Password func(ctx context.Context, user string) (password string, ok bool)
}

// SWF describes the player for SWF verification: its hash and size, as package swf computes them.
type SWF struct {
	Hash []byte
	Size uint32
}

// SharedPolicy says what clients may do with remote shared objects.
type SharedPolicy struct {
	// Write is called before a change. An error refuses the change. Clients do not receive its text, which is logged at level Debug. Nil means
	// that all changes are allowed.
	Write func(c *Conn, name string) error

	Dir        string // folder in which changed persistent objects are stored, without a limit; "" means that they are kept in memory
	MaxObjects int    // maximum number of objects in memory of an instance of an application; 0 means 256
	MaxSize    int    // maximum memory of an object in bytes; 0 means 1 MiB. The limit for all objects of a Server is 256 MiB
}

// Refusal is an error that a hook returns to choose the status code and the description that the client receives. For any other
// error the client receives NetConnection.Connect.Rejected, NetStream.Publish.Denied or NetStream.Play.Failed with the description
// "refused", and the text of the error is only logged.
type Refusal struct {
	Code        string // status code; "" means the one that fits the hook
	Description string // "" means "refused"
	RedirectTo  string // URL of another server, for connect and HTTP viewers; "" means none
}

// Error returns the code and the description.
func (r *Refusal) Error() string {
	text := "rtmp: refused"
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

// Redirect returns a Refusal that tells the client to connect to url instead. It is for App.Connect, and for App.Play if the viewer uses
// HTTP. RTMP has no redirect for a client that is already connected: such a client is only refused.
func Redirect(url string) error {
	return &Refusal{Description: "RTMP 302 Redirect", RedirectTo: url}
}
