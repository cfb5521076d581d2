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
	// ErrNotConnected is returned by methods that need a connection if Connect was not called.
	ErrNotConnected = errors.New("rtmp: not connected: call Connect first")
	// ErrNotWritable is returned by the methods that write to a Stream if it was opened to play.
	ErrNotWritable = errors.New("rtmp: the stream was not opened for publishing")
	// ErrStreamBacklog is returned by a call that waits for the server while Options.MaxQueue bytes of media are queued for a Stream that
	// is not being read. Nothing is lost, and the connection is alive. To continue, read that Stream or close it.
	ErrStreamBacklog = session.ErrBacklog
)

// StatusError is a server's refusal: an _error answer, or an onStatus whose level is "error" (RTMP 1.0 section 7.2.2).
// The connection stays usable.
type StatusError = message.StatusError

// ProtocolError reports that the server violated the protocol or one of the limits in Options. The connection has ended, except if the
// error is that the answer to a call could not be decoded.
type ProtocolError = message.ProtocolError

// PanicError reports that a handler has panicked. It ends the Conn.
type PanicError = message.PanicError

// HandshakeError reports that no RTMP connection could be made, or that it was lost before the server answered connect.
type HandshakeError struct {
	Stage string // one of the Stage constants
	Err   error  // the cause
}

// These are the stages of connecting.
const (
	StageDial    = "dial"    // resolving the name, and TCP
	StageProxy   = "proxy"   // reaching the proxy, and its answer
	StageTLS     = "tls"     // TLS, with rtmps and rtmpts
	StageTunnel  = "tunnel"  // the first HTTP requests of rtmpt, rtmpts and rtmpte
	StageSWF     = "swf"     // fetching the player for SWF verification, before anything else
	StageRTMP    = "rtmp"    // the handshake of RTMP
	StageRTMPE   = "rtmpe"   // the handshake of RTMPE
	StageConnect = "connect" // connect: the server hung up instead of answering, as some servers do to refuse an app
)

// Error returns the text "rtmp: stage: cause", and a hint if the server has hung up. What the server sent is quoted and cut.
func (e *HandshakeError) Error() string {
	stage := e.Stage
	if stage == StageRTMP {
		stage = "handshake"
	}
	why := strings.TrimPrefix(quote.Cause(e.Err), "rtmp: ")
	if stage == StageConnect {
		why = strings.TrimPrefix(why, "read: ") // the text of an error while waiting for the answer to connect
	}
	text := "rtmp: " + why
	if !strings.HasPrefix(why, stage+" ") { // unless the text repeats the stage, as in "dial tcp"
		text = "rtmp: " + stage + ": " + strings.TrimPrefix(why, stage+": ")
	}
	if hint := hangUpHints[e.Stage]; hint != "" && errors.Is(e, io.ErrUnexpectedEOF) {
		text += ": " + hint
	}
	return text
}

// Is makes errors.Is find io.ErrUnexpectedEOF if the server has reset the connection, as if it has closed it.
func (e *HandshakeError) Is(target error) bool {
	var failed *net.OpError
	return target == io.ErrUnexpectedEOF && errors.As(e.Err, &failed) && !failed.Timeout() &&
		(failed.Op == "read" || failed.Op == "write" || failed.Op == "readfrom") // net/http sends bodies with ReadFrom
}

// hangUpHints are the usual reasons why a server hangs up in a stage.
var hangUpHints = map[string]string{
	StageTLS:     "the server may not speak TLS on this port",
	StageTunnel:  "the server may not speak HTTP on this port",
	StageRTMP:    "the server may require rtmps, or not speak RTMP on this port",
	StageRTMPE:   "the server may not offer RTMPE: try rtmp or rtmps",
	StageConnect: "the server may not have this app, or may not accept this client",
}

// Unwrap returns the cause.
func (e *HandshakeError) Unwrap() error { return e.Err }

// Timeout reports whether the stage took longer than Options.Timeout or a deadline. It implements net.Error.
func (e *HandshakeError) Timeout() bool { return errors.Is(e.Err, os.ErrDeadlineExceeded) }

// Temporary returns Timeout. It implements net.Error.
func (e *HandshakeError) Temporary() bool { return e.Timeout() }

// OptionError reports an unknown option or an invalid value.
type OptionError struct {
	Name  string // name of the field in Options, or librtmp's name of the option
	Value string // the value; empty if it may be a secret
	Err   error  // what is wrong with it
}

// Error returns the text "rtmp: option name value: cause".
func (e *OptionError) Error() string {
	text := "rtmp: option " + e.Name
	if e.Value != "" {
		text += fmt.Sprintf(" %q", e.Value)
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *OptionError) Unwrap() error { return e.Err }
