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
	// NotStarted: nothing was played: there was no connection, the server refused, or an option is wrong.
	NotStarted Outcome = iota
	// Truncated: the server said the end before the end, refused to go on, broke the protocol, or plays something else than the file
	// has.
	Truncated
	// ClosedEarly: the server hung up, or the connection was lost, before the end.
	ClosedEarly
	// TimedOut: the server fell silent before the end.
	TimedOut
	// Canceled: the context ended before the download did.
	Canceled
	// WriteFailed: the file, or the writer, took no more.
	WriteFailed
	// Complete: everything is there, as far as that can be told. The server has said the end, or the connection was lost when
	// all of the known duration had arrived; and nothing is in Result.Gaps and Result.BadData. A live stream is complete when
	// the server has said its end and BadData is 0, since nobody can tell what is missing in it.
	Complete
	// Incomplete: the end was reached, but something before it is missing: see Result.Gaps and Result.BadData. Resuming does
	// not bring it.
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

// ErrNotFLV says that the file to continue is none of ours. It was not touched.
var ErrNotFLV = errors.New("download: not an FLV file")

// ErrNoMatch says that what the server plays does not continue the file. It was not touched.
var ErrNoMatch = errors.New("download: the server's stream does not continue the file")

// WriteError says that the file, or the writer, took no more. What had been written before is whole.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return "download: write: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *WriteError) Unwrap() error { return e.Err }

// Result is what a download came to.
type Result struct {
	Outcome  Outcome
	Ended    bool          // the server said the end of the stream
	Size     int64         // of the file, or of what was written, bytes
	Position time.Duration // the time of the last message that the server has sent
	Duration time.Duration // of the stream, as the metadata tells; 0: not known

	Audio, Video, Data int64 // tags written by this call
	Dropped            int64 // messages that were in the file already, or left out because of Options.Quirks

	// Gaps are the parts of the file, what it had before included, in which a track has nothing for longer than a few of its
	// frames usually take (four to eight, and 250 ms at least), and where a track ends that long before the end: a second
	// before it if the server has said the end. The end is that of the duration, or of the longest track if there is no
	// duration. A track that the metadata names and that never came is a gap as well, and so is the beginning where all
	// tracks begin more than a second late and what has come is shorter than the duration by as much. Tracks that are irregular, as slide shows
	// and single pictures are, have none, data is no track, and times that jump by more than the duration are no gap. Of each track the
	// longest 16 are here.
	Gaps []Gap
	// BadData counts damaged messages of the stream, aggregates and metadata: what was in them is lost.
	BadData uint64

	Sessions        int      // connections on which the stream was played
	Splices         []Splice // where the file was continued
	MetadataChanged bool     // the server's metadata is not what the file has
}

// Splice is a place where a file was continued.
type Splice struct {
	Offset    int64         // where the new tags begin, bytes
	Removed   int64         // bytes behind Offset that were replaced
	ByContent bool          // the server's tags before Offset are those of the file; else it was joined by time
	Gap       time.Duration // media time that is missing here
}

// Gap is a part of a track that is missing.
type Gap struct {
	Track    flv.TagType   // TagAudio or TagVideo
	From, To time.Duration // the times of the frames around it
}

// String describes the result in one line.
func (r Result) String() string {
	s := fmt.Sprintf("%s: %d bytes, %v", r.Outcome, r.Size, r.Position)
	if r.Duration > 0 {
		s += fmt.Sprintf(" of %v", r.Duration)
	}
	return s
}
