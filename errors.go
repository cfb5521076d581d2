package rtmp

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/message"
)

var (
	// ErrNotConnected is returned by everything that needs a connection before Connect was called.
	ErrNotConnected = errors.New("rtmp: not connected: call Connect first")
	// ErrNotWritable is returned by the writing methods of a Stream that plays.
	ErrNotWritable = errors.New("rtmp: the stream was not opened for publishing")
	// ErrStreamBacklog is returned to a waiter that would have to read past the media of a Stream that nobody reads, once
	// Options.MaxQueue bytes of it are queued. Nothing is lost and the connection lives: read or close that Stream.
	ErrStreamBacklog = errors.New("rtmp: too much unread media")
)

// StatusError is a server's refusal: an _error answer, or an onStatus whose level is "error" (RTMP 1.0 section 7.2.2).
// The connection stays usable.
type StatusError struct {
	Code        string // such as NetStream.Play.StreamNotFound
	Level       string // "error"; in OnStatus also "status" and "warning"
	Description string
	Info        any // the information object as it came

	masked string // Description without our secrets, for Error, where that makes a difference
}

func (e *StatusError) Error() string {
	text := "refused"
	if e.Code != "" {
		text = quote.Peer(e.Code)
	}
	if description := cmp.Or(e.masked, e.Description); description != "" {
		text += ": " + quote.Peer(description)
	}
	return "rtmp: server: " + text
}

func statusError(s message.Status) *StatusError {
	return &StatusError{Code: s.Code, Level: s.Level, Description: s.Description, Info: s.Info}
}

// ProtocolError reports that the peer broke the protocol or one of the limits in Options. The connection is dead, unless
// all that could not be read is the answer to one call.
type ProtocolError struct {
	Phase  string // chunk, command, user control, ...
	Detail string
	Value  any   // what the peer sent
	Err    error // the cause, such as a *chunk.Error or an *amf.DecodeError
}

func (e *ProtocolError) Error() string {
	text := "rtmp: protocol: " + e.Phase
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Value != nil {
		text += ": " + quote.Peer(fmt.Sprint(e.Value))
	}
	if e.Err != nil {
		text += ": " + cause(e.Err)
	}
	return text
}

// Unwrap returns the cause.
func (e *ProtocolError) Unwrap() error { return e.Err }

// during returns err with the name of what it ended in front of its text, after a single "rtmp: ".
func during(what string, err error) error { return &phaseError{what: what, err: err} }

type phaseError struct {
	what string
	err  error
}

func (e *phaseError) Error() string {
	return "rtmp: " + e.what + ": " + strings.TrimPrefix(e.err.Error(), "rtmp: ")
}

func (e *phaseError) Unwrap() error { return e.err }

// maxCause is how long, in bytes, the text of a cause may be: longer ones have taken in what a peer sent.
const maxCause = 1000

// cause returns the text of err, fit to be part of another's: net/http and others may take a peer's text in as it is.
func cause(err error) string {
	text := err.Error()
	if len(text) > maxCause || strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsGraphic(r) }) {
		return quote.Peer(text)
	}
	return text
}

// HandshakeError reports that no RTMP connection came about, or was lost before the server had answered connect. Stage is one
// of the Stage constants.
type HandshakeError struct {
	Stage string
	Err   error
}

// The stages of connecting, in which a HandshakeError can happen.
const (
	StageDial    = "dial"    // resolving the name, and TCP
	StageProxy   = "proxy"   // reaching the proxy, and what it says
	StageTLS     = "tls"     // rtmps, rtmpts
	StageTunnel  = "tunnel"  // the first HTTP requests of rtmpt, rtmpts and rtmpte
	StageSWF     = "swf"     // fetching the player for SWF verification, which comes before all others
	StageRTMP    = "rtmp"    // RTMP's handshake
	StageRTMPE   = "rtmpe"   // likewise, encrypted
	StageConnect = "connect" // the server has hung up instead of answering connect, as some refuse an app
)

func (e *HandshakeError) Error() string {
	stage := e.Stage
	if stage == StageRTMP {
		stage = "handshake"
	}
	why := strings.TrimPrefix(cause(e.Err), "rtmp: ")
	text := "rtmp: " + stage + ": " + strings.TrimPrefix(why, stage+": ")
	if hint := hangUpHints[e.Stage]; hint != "" && hungUp(e.Err) {
		text += ": " + hint
	}
	return text
}

// hungUp reports whether the server has ended the connection, with a FIN or a reset.
func hungUp(err error) bool {
	var failed *net.OpError
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &failed) && (failed.Op == "read" || failed.Op == "write") && !failed.Timeout()
}

// hangUpHints say what it often means that a server hangs up in a stage.
var hangUpHints = map[string]string{
	StageTLS:     "the server may not speak TLS on this port",
	StageTunnel:  "the server may not speak HTTP on this port",
	StageRTMP:    "the server may want rtmps, or not speak RTMP on this port",
	StageRTMPE:   "the server may not offer RTMPE: try rtmp or rtmps",
	StageConnect: "the server may not have this app, or not want this client",
}

// Unwrap returns the cause.
func (e *HandshakeError) Unwrap() error { return e.Err }

// Timeout reports whether the stage ran into Options.Timeout or a deadline, as net.Error has it.
func (e *HandshakeError) Timeout() bool { return errors.Is(e.Err, os.ErrDeadlineExceeded) }

// Temporary is there for net.Error.
func (e *HandshakeError) Temporary() bool { return e.Timeout() }

// OptionError reports an unknown option or a value that it can't have. Values that are secrets are left out.
type OptionError struct {
	Name, Value string
	Err         error
}

func (e *OptionError) Error() string {
	text := "rtmp: option " + e.Name
	if e.Value != "" {
		text += fmt.Sprintf(" %q", e.Value)
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *OptionError) Unwrap() error { return e.Err }

// timeoutError is a net.Error that is os.ErrDeadlineExceeded.
type timeoutError struct{ what, hint string }

func (e *timeoutError) Error() string {
	text := "rtmp: " + e.what + ": timed out"
	if e.hint != "" {
		text += ": " + e.hint
	}
	return text
}

func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }
func (e *timeoutError) Unwrap() error   { return os.ErrDeadlineExceeded }

// lostError is a connection that ended without our doing. It is io.ErrUnexpectedEOF whatever the cause.
type lostError struct {
	what  string
	cause error
}

func (e *lostError) Error() string {
	if e.cause == nil || errors.Is(e.cause, io.EOF) || errors.Is(e.cause, io.ErrUnexpectedEOF) {
		return "rtmp: " + e.what + ": the server closed the connection"
	}
	return "rtmp: " + e.what + ": connection lost: " + e.cause.Error()
}

func (e *lostError) Unwrap() []error {
	if e.cause == nil {
		return []error{io.ErrUnexpectedEOF}
	}
	return []error{io.ErrUnexpectedEOF, e.cause}
}
