package download

import (
	"log/slog"
	"time"

	"github.com/go-librtmp/rtmp"
)

// Options configures a download. The zero value downloads a stream from its beginning, and replaces the file.
type Options struct {
	// RTMP contains the options of the RTMP session, such as Start, Stop, Live, Buffer, Timeout and MediaTimeout. Nil means the defaults. A
	// Buffer of 0 means ten hours, so that servers send as fast as they can.
	RTMP *rtmp.Options

	// Resume continues an existing file instead of replacing it; RTMP.Start is then ignored. The file of a live stream (RTMP.Live) is
	// always replaced.
	Resume bool
	// SkipKeyFrames moves the position from which a file is continued back by this number of key frames. 0 means the last key frame of the
	// file.
	SkipKeyFrames int

	// NoPipelining makes connecting wait for each answer. Otherwise a zero RTMP.Pipelining means rtmp.PipelineCommands.
	NoPipelining bool

	// Sync flushes the file to disk (fsync) before File returns, and when a continuation has begun.
	Sync bool

	// Realtime disables a trick of rtmpdump that makes some servers send faster than real time: the stream is paused and resumed when the
	// server sends BufferEmpty. Live streams are never paused.
	Realtime bool
	// KeepBuffer keeps RTMP.Buffer. Otherwise the announced buffer length is raised to the length of the stream.
	KeepBuffer bool

	Recover *Recovery // how to recover from a lost connection; nil means that a lost connection ends the download

	// Quirks makes the file equal to rtmpdump's: audio messages of one byte and video messages of up to five bytes are left out; RTMP.Start
	// is added to all timestamps, even if the server's already count from the beginning of the stream; and the file header announces
	// what arrives up to the first timestamp other than 0 and what metadata names if it is an object, and nothing if RTMP.Start is not 0.
	// An empty file that File has created is not removed.
	Quirks bool

	// Progress, if not nil, is called when the phase changes, at most ten times a second while media arrives, and at the end. It is called
	// on the goroutine that called File or To.
	Progress func(*Progress)
	Logger   *slog.Logger // nil means RTMP.Logger; if that is nil too, nothing is logged
}

// Recovery controls how a download continues after a connection was lost or could not be made. A refusal by the server is final, and so is
// a first connection that fails because the host does not exist or its certificate is invalid. With the defaults, a download from a server
// that is down fails after about a minute and a half; meanwhile Progress receives each error.
//
// The client announces and follows reconnect requests (Enhanced RTMP) as RTMP.FollowReconnect allows. A live stream is read from the old
// connection until the new one can continue the file or the old one ends, so that nothing is missing. A session that ends with such a request
// within a minute counts as an attempt that brought nothing new.
type Recovery struct {
	Attempts int           // number of consecutive attempts that may bring nothing new; 0 means 8
	Delay    time.Duration // wait before the first attempt; it doubles with each further attempt, and varies randomly; 0 means 500 ms
	MaxDelay time.Duration // longest wait; 0 means 30 seconds
}
