package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/reconnect"
)

// tolerance is how much of a track may be missing when the server has ended the stream. Tracks differ in length by some frames, and the
// duration in the metadata is not exact.
const tolerance = time.Second

// reachedEnd reports whether at least one track extends to the end of the stream, or the end is unknown.
func (d *download) reachedEnd() bool { return d.endsWithin(tolerance) }

// hasLastFrame reports whether the last frame of a track has arrived, judging by the duration alone.
func (d *download) hasLastFrame() bool {
	const rounding = 10 * time.Millisecond // precision of the duration in the metadata
	return d.end() > 0 && d.endsWithin(rounding)
}

// endsWithin reports whether the last frame of a track ends at most missing before the end of the stream.
func (d *download) endsWithin(missing time.Duration) bool {
	end, reached := d.end(), d.end() == 0
	for _, tr := range []*track{&d.out.tail.audio, &d.out.tail.video} {
		reached = reached || tr.seen && d.streamTime(tr.last+tr.step)+missing >= end
	}
	return reached
}

// streamTime converts a timestamp in the file to a position in the stream, without jumps. If the timestamps of a stream begin after its
// duration, their origin is arbitrary.
func (d *download) streamTime(t uint32) time.Duration {
	if first := d.out.tail.first.time; d.duration > 0 && ms(first+d.base) > d.duration {
		return ms(t-first) + d.target.options.Start - d.jumped()
	}
	return ms(t+d.base) - d.jumped()
}

// maxOverrun is how much longer than the duration in the metadata a stream may be.
const maxOverrun = 5 * time.Second

// length returns the duration of the stream, or 0 if it is unknown. A duration that the stream has passed by far is wrong. It may be that of
// one recording of several that the server plays one after the other.
func (d *download) length() time.Duration {
	if t := d.out.tail; !t.empty() && d.streamTime(t.last()) > d.duration+maxOverrun {
		return 0
	}
	return d.duration
}

// isJump reports whether a step between two frames is longer than the stream, so that it can't be missing media.
func (d *download) isJump(s step) bool { return d.duration > 0 && ms(s.length()) > d.duration }

func (d *download) jumped() (longest time.Duration) {
	for _, kind := range tracksOf {
		sum := time.Duration(0)
		for _, s := range d.out.tail.trackOf(kind).rhythm.long {
			if d.isJump(s) {
				sum += ms(s.length())
			}
		}
		longest = max(longest, sum)
	}
	return longest
}

// end returns the position at which the stream should end, or 0 if it is unknown.
func (d *download) end() time.Duration {
	length := d.length()
	if stop := d.target.options.Stop; stop > 0 && (length == 0 || stop < length) {
		return stop
	}
	return length
}

// gapsAtStart returns the gaps at the beginning of the tracks. There are gaps only if all tracks begin late, although playing should begin at
// 0, and the stream is shorter than its duration by the same time.
func (d *download) gapsAtStart() (list []Gap) {
	t, end := d.out.tail, d.end()
	if d.target.options.Live || d.target.options.Start > 0 || end == 0 || t.empty() {
		return nil
	}
	begin := d.streamTime(t.first.time)
	late := begin+d.jumped() > tolerance
	if short := d.streamTime(t.last())-begin < end-tolerance; !late || !short {
		return nil
	}
	for _, kind := range tracksOf {
		if t.trackOf(kind).seen {
			list = append(list, Gap{kind, 0, ms(t.first.time)})
		}
	}
	return list
}

// gapsBetween returns the gaps between the frames of the tracks.
func (d *download) gapsBetween() (list []Gap) {
	known := d.length() > 0
	for _, kind := range tracksOf {
		for _, s := range d.out.tail.trackOf(kind).rhythm.gaps() {
			if !known || !d.isJump(s) {
				list = append(list, Gap{kind, ms(s.from), ms(s.to)})
			}
		}
	}
	return list
}

// gapsAtEnd returns the gaps at the end of the tracks. If the server has ended the stream, a track may end a little earlier.
func (d *download) gapsAtEnd(ended bool) (list []Gap) {
	t := d.out.tail
	end := d.end()
	if end == 0 {
		end = d.streamTime(t.last())
	}
	for _, kind := range tracksOf {
		tr := t.trackOf(kind)
		if d.target.options.Live || !d.endKnown(kind) {
			continue
		}
		missing := ms(tr.rhythm.fewFrames())
		if ended {
			missing = max(missing, tolerance)
		}
		if behind := end - d.streamTime(tr.last); !tr.seen || behind > missing {
			list = append(list, Gap{kind, ms(tr.last), ms(tr.last) + max(0, behind)})
		}
	}
	return list
}

var tracksOf = []flv.TagType{flv.TagAudio, flv.TagVideo}

// endKnown reports whether the expected end of a track is known: the track is regular, or the metadata names it.
func (d *download) endKnown(kind flv.TagType) bool {
	tr := d.out.tail.trackOf(kind)
	if tr.rhythm.total > 0 {
		return tr.rhythm.regular()
	}
	if tr.seen { // there is at least one frame
		rate, _ := d.properties.Get("framerate")
		perSecond, _ := rate.(float64)
		return kind == flv.TagVideo && perSecond >= 1
	}
	codec, has := "audiocodecid", "hasAudio"
	if kind == flv.TagVideo {
		codec, has = "videocodecid", "hasVideo"
	}
	id, _ := d.properties.Get(codec)
	switch id := id.(type) {
	case float64:
		return id > 0 // servers write 0 for a missing track
	case string:
		return id != ""
	}
	named, _ := d.properties.Get(has)
	return named == true
}

// setOutcome sets the outcome of the download. err is the error that ended the last session.
func (d *download) setOutcome(ctx context.Context, err error) error {
	r := &d.result
	r.Position, r.Duration = ms(d.position), d.duration
	r.Gaps = slices.Concat(d.gapsAtStart(), d.gapsBetween(), d.gapsAtEnd(err == nil))
	missing := len(r.Gaps)
	if d.target.options.Live { // publishers may pause
		missing = 0
		for _, s := range r.Splices {
			if s.Gap > 0 {
				missing++
			}
		}
	}
	whole := r.BadData == 0 && missing == 0
	switch {
	case err == nil && !d.target.options.Live && !d.reachedEnd():
		r.Outcome = Truncated
		return fmt.Errorf("%w: at %v of %v", ErrTruncated, r.Position, r.Duration)
	case err == nil && !whole:
		r.Outcome = Incomplete
		return fmt.Errorf("%w: gaps: %d, damaged messages: %d", ErrIncomplete, missing, r.BadData)
	case err == nil, whole && d.allReceived(err):
		r.Outcome = Complete
		return nil
	}
	r.Outcome = d.outcome(ctx, err)
	if r.Sessions > 0 && r.Outcome == NotStarted {
		return fmt.Errorf("download: the server sent nothing and may not allow this client to play: %w", err)
	}
	return err
}

func (d *download) outcome(ctx context.Context, err error) Outcome {
	switch {
	case isWrite(err):
		return WriteFailed
	case ctx.Err() != nil:
		return Canceled
	case d.result.Sessions == 0, !d.hasMedia && errors.Is(err, io.ErrUnexpectedEOF): // nginx-rtmp hangs up like this to deny a request
		return NotStarted
	case connectionLost(err):
		return ClosedEarly
	case errors.Is(err, os.ErrDeadlineExceeded):
		return TimedOut
	}
	return Truncated
}

// allReceived reports whether the whole known duration had arrived before the connection was lost.
func (d *download) allReceived(err error) bool {
	return connectionLost(err) && !d.target.options.Live && d.splice == nil && d.hasLastFrame() && len(d.gapsAtEnd(false)) == 0
}

func connectionLost(err error) bool {
	var again *reconnect.Moved
	return !isWrite(err) && (errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &again))
}
