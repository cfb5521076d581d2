package rtmp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

var (
	// ErrNotConnected is returned by everything that needs a connection before Connect was called.
	ErrNotConnected = errors.New("rtmp: not connected: call Connect first")
	// ErrNotWritable is returned by the writing methods of a Stream that plays.
	ErrNotWritable = errors.New("rtmp: the stream was not opened for publishing")
	// ErrStreamBacklog is returned to a waiter that would have to read past the media of a Stream that nobody reads, once
	// Options.MaxQueue bytes of it are queued. Nothing is lost and the connection lives: read or close that Stream.
	ErrStreamBacklog = session.ErrBacklog
)

// StatusError is a server's refusal: an _error answer, or an onStatus whose level is "error" (RTMP 1.0 section 7.2.2).
// The connection stays usable.
type StatusError = message.StatusError

// ProtocolError reports that the peer broke the protocol or one of the limits in Options. The connection is dead, unless
// all that could not be read is the answer to one call.
type ProtocolError = message.ProtocolError

// PanicError reports that a handler of the program's has panicked. It ends the Conn.
type PanicError = message.PanicError

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
	why := strings.TrimPrefix(quote.Cause(e.Err), "rtmp: ")
	if stage == StageConnect {
		why = strings.TrimPrefix(why, "read: ") // the wait for connect's answer
	}
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
