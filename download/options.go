package download

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
)

// Options say how to download. The zero value plays a stream from its beginning into a new file.
type Options struct {
	// RTMP are the session's: Start, Stop, Live, Buffer, Timeout and MediaTimeout are what matters here most. nil: the defaults.
	// Buffer's default is ten hours here, so that servers send as fast as they can.
	RTMP *rtmp.Options

	// Resume continues the file, if there is something to continue, instead of replacing it. Options.Start is ignored then.
	// It does not apply to live streams (RTMP.Live): a later call of File replaces what is there by what is sent from then on.
	Resume bool
	// SkipKeyFrames goes back so many key frames more to continue a file.
	SkipKeyFrames int

	// NoPipelining waits for each of the server's answers while connecting. Without it, where RTMP.Pipelining is zero it is
	// rtmp.PipelineCommands here.
	NoPipelining bool

	// Sync makes sure that the file is on the disk (fsync), and not only in the system's memory, when File returns and when a
	// joint has been made.
	Sync bool

	// Realtime leaves out rtmpdump's way of getting more than real time from a server that says its buffer is empty: a
	// pause that is undone at once. Live streams are never paused.
	Realtime bool
	// KeepBuffer leaves the buffer as it is when the stream turns out to be longer.
	KeepBuffer bool

	Recover *Recovery // nil: a lost connection ends the download

	// Quirks makes the file that rtmpdump makes: audio messages of one byte and video messages of up to five are left out,
	// RTMP.Start is added to all times, even if the server's count from the beginning of the stream, and the file header announces
	// neither audio nor video if the metadata's time is not 0.
	Quirks bool

	// Progress is called when the phase changes and after each message that is received or compared, on the goroutine that downloads:
	// a program that prints should do so now and then. nil: it is not called.
	Progress func(*Progress)
	Logger   *slog.Logger // nil: RTMP.Logger, or silent
}

// Recovery says how to go on after a lost connection. What the server refuses is not tried again. A request to reconnect
// (Enhanced RTMP) is announced as understood, and followed as RTMP.FollowReconnect allows; unless the session has lasted for a
// minute it counts as an attempt that brought nothing.
type Recovery struct {
	Attempts int           // how many in a row may fail to bring anything new; 0: 8
	Delay    time.Duration // before the first attempt; it doubles with each one, by chance a bit more or less. 0: 500 ms
	MaxDelay time.Duration // 0: 30 s
}

// Phase is what a download is doing.
type Phase int

// The phases, in order; after Retrying it is Connecting again.
const (
	Connecting Phase = iota
	Connected        // the server has accepted the connection
	Playing          // the stream has been asked for and begins
	Metadata         // onMetaData has arrived: Progress.Metadata
	Receiving        // something was written
	Matching         // what arrives is being compared with the end of the file
	Retrying         // Progress.Err has ended the connection; the next one comes after Progress.Wait
)

// String returns the phase's name in lower case, such as "connecting".
func (p Phase) String() string {
	switch p {
	case Connecting:
		return "connecting"
	case Connected:
		return "connected"
	case Playing:
		return "playing"
	case Metadata:
		return "metadata"
	case Receiving:
		return "receiving"
	case Matching:
		return "matching"
	case Retrying:
		return "retrying"
	}
	return fmt.Sprintf("Phase(%d)", int(p))
}

// Progress is the state of a download. It is valid during the call.
type Progress struct {
	Phase    Phase
	Size     int64         // of the file, bytes
	Position time.Duration // the time of the last message in the file: while Matching it stays
	Duration time.Duration // of the stream, as the metadata tells; 0: not known
	From     time.Duration // where the session began to play
	Resuming bool          // behind what the file has already
	Metadata amf.ECMAArray // Metadata: what came
	Err      error         // Retrying: why
	Wait     time.Duration // Retrying: how long
}
