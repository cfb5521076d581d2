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
	// NotStarted means that nothing was played: an option is invalid, no connection was made, or the server refused or hung up before it
	// sent any media.
	NotStarted Outcome = iota
	// Truncated means that the server ended the stream early, refused to continue, violated the protocol, or plays another recording.
	Truncated
	// ClosedEarly means that the connection was closed by the server or lost before the end.
	ClosedEarly
	// TimedOut means that the server fell silent before the end.
	TimedOut
	// Canceled means that the context was done before the download was complete.
	Canceled
	// WriteFailed means that writing to the file or the writer failed.
	WriteFailed
	// Complete means that everything has arrived, as far as that can be checked: the server has ended the stream, or the connection was
	// lost after the known duration had arrived, and Result.Gaps is empty and Result.BadData is 0. Of a live stream, whose publisher may
	// pause, only the gaps count at which it was continued after a lost connection; see Splice.Gap.
	Complete
	// Incomplete means that the end was reached, but something before it is missing; see Result.Gaps, Result.BadData and, for a live stream,
	// Splice.Gap. Resuming does not help.
	Incomplete
)

// String returns the outcome in lower case, such as "complete", "server-closed-early" or "timed-out".
func (o Outcome) String() string {
	if o < 0 || int(o) >= len(outcomeNames) {
		return fmt.Sprintf("Outcome(%d)", int(o))
	}
	return outcomeNames[o]
}

var outcomeNames = [...]string{
	NotStarted: "not-started", Truncated: "truncated", ClosedEarly: "server-closed-early", TimedOut: "timed-out",
	Canceled: "canceled", WriteFailed: "write-failed", Complete: "complete", Incomplete: "incomplete",
}

// ErrTruncated means that the server ended a stream before its known duration.
var ErrTruncated = errors.New("download: the server ended the stream early")

// ErrIncomplete means that the end of the stream was reached, but a part before it is missing.
var ErrIncomplete = errors.New("download: the stream has ended, but a part of it is missing")

// ErrNotFLV means that the file to continue is not an FLV file. The file was not changed.
var ErrNotFLV = errors.New("download: not an FLV file")

// ErrNoMatch means that the server's stream does not continue the file. The file was not changed.
var ErrNoMatch = errors.New("download: the server's stream does not continue the file")

// WriteError means that writing to the file or the writer failed. A file still consists of whole tags.
type WriteError struct{ Err error }

// Error returns the text "download: write: cause".
func (e *WriteError) Error() string { return "download: write: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *WriteError) Unwrap() error { return e.Err }

// Result describes the result of a download.
type Result struct {
	Outcome  Outcome
	Ended    bool          // the server has ended the stream
	Size     int64         // size of the file, or number of bytes written to the writer
	Position time.Duration // time of the last message received
	Duration time.Duration // duration of the stream according to the metadata; 0 if unknown

	Audio, Video, Data int64 // tags written by this call
	Dropped            int64 // messages that the file already contained, or that Options.Quirks excludes

	// Gaps contains the places in the whole file where media is missing from a track, at most the 16 longest of each track:
	//   - between two frames that are farther apart than four to eight frames usually are, and by at least 250 ms;
	//   - at the end, if the track ends by as much before the end of the stream or, if the server has ended the stream, by more than a
	//     second;
	//   - at the beginning, if all tracks begin more than a second late and the file is shorter than the duration by as much.
	//
	// A track that is missing altogether, although the metadata names it, is one gap.
	//
	// The end of the stream is its duration or, if that is unknown, the end of the longest track. Irregular tracks, such as slide shows,
	// and data messages have no gaps. A jump of the timestamps by more than the duration is not a gap. A duration that the stream has passed
	// by more than five seconds is wrong, and counts as unknown.
	Gaps []Gap
	// BadData is the number of damaged messages, aggregates and metadata in the stream, whose contents are lost.
	BadData uint64

	Sessions        int      // connections on which the stream was played
	Splices         []Splice // places where the file was continued
	MetadataChanged bool     // the server's metadata differs from the file's
}

// Splice is a place where a file was continued.
type Splice struct {
	Offset    int64 // where the new tags begin, in bytes
	Removed   int64 // bytes after Offset that were replaced
	ByContent bool  // the server has repeated the tags before Offset; if false, the stream was joined by its timestamps
	// Gap is the time missing between the old tags and the new. A live stream that repeats itself may be joined by its content although
	// something is missing. Gap is then the time by which the stream is further behind the clock than before, unless the file shows that the
	// stream does not repeat itself so soon: another server may send it later.
	Gap time.Duration
}

// Gap describes a missing part of a track.
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
