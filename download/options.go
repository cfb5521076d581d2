package download

import (
	"log/slog"
	"time"

	"github.com/go-librtmp/rtmp"
)

// Options say how to download. The zero value plays a stream from its beginning into a new file.
type Options struct {
	// RTMP are the session's: Start, Stop, Live, Buffer, Timeout and MediaTimeout are what matters here most. nil: the defaults.
	// Buffer's default is ten hours here, so that servers send as fast as they can.
	RTMP *rtmp.Options

	// Resume continues an existing file instead of replacing it. Options.Start is ignored then. It does not apply to
	// live streams (RTMP.Live): there File always replaces the file.
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

	// Progress is called when the phase changes, while something is received or compared at most ten times a second, and at the end
	// if anything was received. It is called on the goroutine that downloads. nil: it is not called.
	Progress func(*Progress)
	Logger   *slog.Logger // nil: RTMP.Logger, or silent
}

// Recovery says how to go on after a lost connection, or one that could not be made. What the server refuses is not tried again, and
// neither is a first connection that fails because the host does not exist or its certificate is not valid. With the defaults it takes
// about a minute and a half until a server that is down counts as failed; meanwhile Progress gets each error. A request to reconnect
// (Enhanced RTMP) is announced as understood, and followed as RTMP.FollowReconnect allows; unless the session has lasted for a
// minute it counts as an attempt that brought nothing.
type Recovery struct {
	Attempts int           // number of attempts in a row that may bring nothing new; 0: 8
	Delay    time.Duration // wait before the first attempt; doubles with each one, with a random deviation. 0: 500 ms
	MaxDelay time.Duration // longest wait; 0: 30 s
}
