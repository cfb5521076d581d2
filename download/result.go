package download

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// Outcome is how a download ended.
type Outcome int

const (
	// NotStarted: nothing was played. No connection was made, the server refused, or an option is invalid.
	NotStarted Outcome = iota
	// Truncated: the server ended the stream early, refused to continue, violated the protocol, or plays another
	// recording than the file's.
	Truncated
	// ClosedEarly: the server closed the connection, or the connection was lost, before the end.
	ClosedEarly
	// TimedOut: the server sent nothing for too long before the end.
	TimedOut
	// Canceled: the context ended before the download.
	Canceled
	// WriteFailed: writing to the file or the writer failed.
	WriteFailed
	// Complete: everything has arrived, to the extent that this can be checked. The server has ended the stream, or the
	// connection was lost after the known duration had arrived, and Result.Gaps and Result.BadData are empty. A live
	// stream is complete if the server has ended it and BadData is 0, since gaps in it cannot be detected.
	Complete
	// Incomplete: the end was reached, but something before it is missing, see Result.Gaps and Result.BadData.
	// Resuming does not help.
	Incomplete
)

// String returns the outcome in lower case, such as "complete", "server-closed-early" or "timed-out".
func (o Outcome) String() string {
	switch o {
	case NotStarted:
		return "not-started"
	case Truncated:
		return "truncated"
	case ClosedEarly:
		return "server-closed-early"
	case TimedOut:
		return "timed-out"
	case Canceled:
		return "canceled"
	case WriteFailed:
		return "write-failed"
	case Complete:
		return "complete"
	case Incomplete:
		return "incomplete"
	}
	return fmt.Sprintf("Outcome(%d)", int(o))
}

// ErrTruncated says that the server ended a stream before its duration was over.
var ErrTruncated = errors.New("download: the server ended the stream early")

// ErrIncomplete says that a stream has ended at its end, but something before is missing.
var ErrIncomplete = errors.New("download: the stream has ended, but a part of it is missing")

// ErrNotFLV means that the file to continue is not an FLV file. It was not changed.
var ErrNotFLV = errors.New("download: not an FLV file")

// ErrNoMatch says that what the server plays does not continue the file. It was not touched.
var ErrNoMatch = errors.New("download: the server's stream does not continue the file")

// WriteError says that the file, or the writer, took no more. The tags written before are whole.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return "download: write: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *WriteError) Unwrap() error { return e.Err }

// Result is what a download came to.
type Result struct {
	Outcome  Outcome
	Ended    bool          // the server has ended the stream
	Size     int64         // of the file, or of the bytes written
	Position time.Duration // time of the last message received
	Duration time.Duration // of the stream, according to the metadata; 0: unknown

	Audio, Video, Data int64 // tags written by this call
	Dropped            int64 // messages that the file had already, or that Options.Quirks excludes

	// Gaps are the places in the whole file where media is missing from a track: where its frames are farther apart
	// than a few of them usually are (four to eight, and at least 250 ms), and where it ends that long before the end
	// of the stream, or one second before it if the server has ended the stream. The end is given by the duration, or
	// else by the longest track. A track that the metadata names and that never came is a gap. So is the beginning,
	// if all tracks begin more than a second late and the file is shorter than the duration by as much. Irregular
	// tracks, such as slide shows and single pictures, have no gaps, data is not a track, and timestamps that jump by
	// more than the duration are not a gap. Of each track the longest 16 gaps are listed.
	Gaps []Gap
	// BadData is the number of damaged messages, aggregates and metadata in the stream. Their contents are lost.
	BadData uint64

	Sessions        int      // connections on which the stream was played
	Splices         []Splice // places where the file was continued
	MetadataChanged bool     // the server's metadata differs from the file's
}

// Splice is a place where a file was continued.
type Splice struct {
	Offset    int64         // where the new tags begin, in bytes
	Removed   int64         // bytes after Offset that were replaced
	ByContent bool          // the server repeated the tags before Offset; otherwise the times were joined
	Gap       time.Duration // time missing between the old tags and the new
}

// Gap is a part of a track that is missing.
type Gap struct {
	Track    flv.TagType   // TagAudio or TagVideo
	From, To time.Duration // times of the frames before and after it
}

// String describes the result in one line.
func (r Result) String() string {
	s := fmt.Sprintf("%s: %d bytes, %v", r.Outcome, r.Size, r.Position)
	if r.Duration > 0 {
		s += fmt.Sprintf(" of %v", r.Duration)
	}
	return s
}
