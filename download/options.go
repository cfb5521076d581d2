package download

import (
	"log/slog"
	"time"

	"github.com/go-librtmp/rtmp"
)

// Options configures a download. The zero value downloads a stream from its beginning, and replaces the file.
type Options struct {
	// RTMP contains the options of the RTMP session. The most important ones for a download are Start, Stop, Live, Buffer, Timeout and
	// MediaTimeout. Nil means the defaults, except that Buffer is ten hours, so that servers send as fast as they can.
	RTMP *rtmp.Options

	// Resume continues an existing file instead of replacing it; RTMP.Start is then ignored. Resume is ignored for live streams
	// (RTMP.Live): File always replaces the file of a live stream.
	Resume bool
	// SkipKeyFrames is how many key frames before the last one of the file the server is asked to begin, to continue the file. 0 means at
	// the last key frame.
	SkipKeyFrames int

	// NoPipelining makes connecting wait for each of the server's answers. If it is false and RTMP.Pipelining is zero,
	// rtmp.PipelineCommands is used.
	NoPipelining bool

	// Sync flushes the file to disk (fsync) before File returns, and when a continuation of the file has begun.
	Sync bool

	// Realtime disables a trick of rtmpdump that makes some servers send faster than real time: when the server sends BufferEmpty, the
	// stream is paused and resumed at once. Live streams are never paused.
	Realtime bool
	// KeepBuffer keeps RTMP.Buffer even if the metadata shows that the stream is longer. If KeepBuffer is false, the announced buffer
	// length is raised to the whole stream.
	KeepBuffer bool

	Recover *Recovery // how to recover from a lost connection; nil means that a lost connection ends the download

	// Quirks makes the file equal to rtmpdump's: audio messages of one byte and video messages of up to five bytes are left out; RTMP.Start
	// is added to all timestamps, even if the server's already count from the beginning of the stream; and the file header announces
	// neither audio nor video if the metadata's timestamp is not 0.
	Quirks bool

	// Progress, if not nil, is called when the phase changes, at most ten times a second while media is received or compared, and at the
	// end if any was received. It is called on the goroutine that called File or To.
	Progress func(*Progress)
	Logger   *slog.Logger // nil means RTMP.Logger; if that is nil too, nothing is logged
}

// Recovery controls how a download continues after a connection was lost or could not be made. A refusal by the server is final, and so is
// a failure of the first connection because the host does not exist or its certificate is invalid. With the defaults, a download from a
// server that is down fails after about a minute and a half; meanwhile Progress receives each error. The client announces support for
// reconnect requests (Enhanced RTMP), and follows them as RTMP.FollowReconnect allows. A session that such a request ends within a minute
// counts as an attempt that brought nothing new.
type Recovery struct {
	Attempts int           // number of consecutive attempts that may bring nothing new; 0 means 8
	Delay    time.Duration // wait before the first attempt; it doubles with each further attempt, and varies randomly; 0 means 500 ms
	MaxDelay time.Duration // longest wait; 0 means 30 seconds
}
