package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// maxGap is how much may be missing at a joint before it is tried to join further back.
const maxGap = 500 * time.Millisecond

// errGap says that the server began to play behind the end of the file.
var errGap = errors.New("download: the server begins behind the end of the file")

// sessions plays the stream until it is over: the error is nil when the server has said so.
func (d *download) sessions(ctx context.Context) error {
	back := 0 // key frames
	failed := 0
	for {
		before := d.out.audio + d.out.video
		err := d.session(ctx, back)
		if errors.Is(err, errGap) {
			back = max(1, 2*back)
			continue
		}
		back = 0
		var again *reconnectError
		if errors.As(err, &again) {
			d.target = d.target.moved(again.tcURL, d.o.RTMP)
		}
		if d.out.audio+d.out.video > before {
			failed = 0
		}
		wait, ok := d.recoverable(ctx, err, again != nil, failed)
		if !ok {
			return err
		}
		failed++
		d.report(Progress{Phase: Retrying, Err: err, Wait: wait})
		d.log.Info("download: reconnecting", "error", err, "wait", wait)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// recoverable reports whether, and after how long, another connection is to be tried. failed is how many in a row have
// brought nothing.
func (d *download) recoverable(ctx context.Context, err error, asked bool, failed int) (time.Duration, bool) {
	r := d.o.Recover
	if r == nil && !(asked && failed == 0) || ctx.Err() != nil {
		return 0, false
	}
	if asked && failed == 0 {
		return 0, true
	}
	var refused *rtmp.StatusError
	var option *rtmp.OptionError
	switch {
	case errors.As(err, &refused), errors.As(err, &option), isWrite(err), errors.Is(err, ErrNoMatch):
		return 0, false
	case err == nil && (failed > 0 || d.target.live || d.reached()): // the end, or an end twice at the same place
		return 0, false
	}
	limit, delay, longest := r.Attempts, r.Delay, r.MaxDelay
	if limit == 0 {
		limit = 8
	}
	if delay == 0 {
		delay = 500 * time.Millisecond
	}
	if longest == 0 {
		longest = 30 * time.Second
	}
	if failed >= limit {
		return 0, false
	}
	for range failed {
		delay = min(2*delay, longest)
	}
	return delay/2 + rand.N(delay), true // so that not all clients of a server come back at once
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("download: %w", context.Cause(ctx))
	}
}

func isWrite(err error) bool {
	var w *WriteError
	return errors.As(err, &w)
}

// session plays on one connection: from the beginning, or back key frames before the last one of the file.
func (d *download) session(ctx context.Context, back int) error {
	last := d.prepare(back)
	d.report(Progress{Phase: Connecting})
	s, err := d.target.open(ctx, &d.o, d.from, func() { d.report(Progress{Phase: Connected}) })
	if err != nil {
		return err
	}
	defer s.close()
	d.result.Sessions++
	d.result.Ended = false
	d.report(Progress{Phase: Playing})
	for {
		p, err := s.next(ctx)
		if err == io.EOF {
			d.result.Ended = true
			return d.ended(last)
		}
		if err != nil {
			return err
		}
		if err := d.received(s, p, last); err != nil {
			return err
		}
	}
}

// prepare chooses where to begin. last says that there is nothing further back.
func (d *download) prepare(back int) (last bool) {
	t := d.out.tail
	d.splice, d.shift, d.resumed = nil, 0, false
	if t.empty() {
		d.out.restart()
		d.from = d.target.start
		if d.o.Quirks && !d.target.live {
			d.shift = uint32(d.from.Milliseconds())
		}
		return true
	}
	at, ok := t.point(d.o.SkipKeyFrames + back)
	if !ok {
		at = t.first.time
	}
	d.from = 0
	if ok || d.base != 0 {
		d.from = ms(at + d.base)
	}
	if d.target.live {
		at = t.last() + uint32(time.Since(d.joined).Milliseconds())
		d.from = 0
	}
	d.resumed = true
	d.splice = newSplice(t, at)
	return !ok || d.target.live
}

// received takes a message of the stream.
func (d *download) received(s *session, p *rtmp.Packet, last bool) error {
	tag := flv.Tag{Type: flv.TagType(p.Type), Timestamp: p.Timestamp, Body: p.Body}
	switch p.Type {
	case message.TypeAudio, message.TypeVideo:
		if len(tag.Body) == 0 || d.o.Quirks && (tag.Type == flv.TagAudio && len(tag.Body) <= 1 || tag.Type == flv.TagVideo && len(tag.Body) <= 5) {
			d.result.Dropped++
			return nil
		}
	case message.TypeDataAMF0:
		if name, _, _ := flv.ParseScript(tag.Body); name != "onMetaData" || tag.Body[0] != 2 {
			return nil
		}
		d.metadata(s, tag)
	default:
		return nil
	}
	if d.splice == nil {
		return d.append(s, tag)
	}
	ready, err := d.splice.add(tag)
	if err != nil {
		return err
	}
	if !ready {
		d.report(Progress{Phase: Matching})
		return nil
	}
	return d.join(false, last)
}

// metadata takes note of onMetaData.
func (d *download) metadata(s *session, tag flv.Tag) {
	if known := s.stream.Duration(); known > 0 {
		d.known = known
	}
	if d.splice != nil && d.out.tail.metadata != (content{}) && d.out.tail.metadata != contentOf(tag) && !d.target.live {
		d.result.MetadataChanged = true
		d.log.Warn("download: the server's metadata is not what the file has")
	}
	d.report(Progress{Phase: Metadata, Metadata: s.stream.Metadata()})
}

// append writes a tag of the session.
func (d *download) append(s *session, tag flv.Tag) error {
	t := d.out.tail
	if !d.resumed && t.empty() && tag.Type != flv.TagScript {
		d.base = d.origin(tag.Timestamp)
	}
	tag.Timestamp += d.shift
	if t.empty() && t.repeats(tag) {
		d.result.Dropped++ // the session before has brought nothing else
		return nil
	}
	if s.unpaused || d.resumed && !t.empty() && int32(tag.Timestamp-t.trackOf(tag.Type).last) <= 0 {
		if tag.Type != flv.TagScript && t.holds(contentOf(tag), tag.Timestamp) {
			d.result.Dropped++
			return nil
		}
		if tag.Type != flv.TagScript {
			s.unpaused = false
		}
	}
	return d.write(tag)
}

// origin is where the file's time 0 is in the stream, ms, judged by the first timestamp of the first session: servers that
// count from where they begin say less than that.
func (d *download) origin(first uint32) uint32 {
	from := uint32(d.from.Milliseconds())
	if first < from/2 {
		return from - d.shift
	}
	return -d.shift
}

func (d *download) write(tag flv.Tag) error {
	if err := d.out.write(tag); err != nil {
		return err
	}
	d.position = tag.Timestamp
	if d.target.live {
		d.joined = time.Now()
	}
	d.report(Progress{Phase: Receiving})
	return nil
}

// join continues the file with what is held. last says that there is no further back to go than this session.
func (d *download) join(ended, last bool) error {
	p, ok := d.splice.plan(ended)
	if !ok {
		if last || !ended {
			return ErrNoMatch
		}
		return errGap
	}
	if p.gap > maxGap && !last {
		return errGap
	}
	d.splice, d.shift = nil, p.shift
	t := d.out.tail
	if d.out.file == nil {
		p.cut = t.end
	}
	d.result.Splices = append(d.result.Splices, Splice{Offset: p.cut, Removed: t.end - p.cut, ByContent: p.byContent, Gap: p.gap})
	d.result.Dropped += int64(p.dropped)
	d.log.Info("download: continuing", "offset", p.cut, "removed", t.end-p.cut, "by content", p.byContent, "gap", p.gap)
	if err := d.out.cut(p.cut); err != nil {
		return err
	}
	d.position = t.last()
	for _, h := range p.tags {
		h.Timestamp += p.shift
		if d.out.file == nil && h.isFrame() && int32(h.Timestamp-t.trackOf(h.kind).last) <= 0 {
			continue
		}
		if err := d.write(h.Tag); err != nil {
			return err
		}
	}
	return nil
}

// ended is called when the server has said the end.
func (d *download) ended(last bool) error {
	switch {
	case d.splice == nil:
		return nil
	case d.splice.began:
		return d.join(true, last)
	case last:
		return nil // there is nothing behind what the file has
	}
	return errGap
}

// tolerance is how much may be missing at the end of a stream of known duration when the server has said the end: the
// last frame's own, and what metadata is wrong by.
const tolerance = time.Second

// reached reports whether what has come ends where the stream should, as far as that is known.
func (d *download) reached() bool {
	end := d.end()
	return end == 0 || ms(d.position+d.base)+tolerance >= end
}

// filled reports whether the last frame has come, as far as one can tell without the server's saying so.
func (d *download) filled() bool {
	const rounding = 10 // ms
	t, filled := d.out.tail, false
	for _, tr := range []track{t.audio, t.video} {
		filled = filled || tr.seen && ms(tr.last+tr.step+rounding+d.base) >= d.end()
	}
	return d.end() > 0 && filled
}

// end is where the stream should end, 0 if that is not known.
func (d *download) end() time.Duration {
	if stop := d.target.stop; stop > 0 && (d.known == 0 || stop < d.known) {
		return stop
	}
	return d.known
}

// judge makes the outcome of how the last session ended.
func (d *download) judge(err error) error {
	r := &d.result
	r.Position, r.Duration = ms(d.position), d.known
	var again *reconnectError
	lost := errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &again)
	switch {
	case err == nil && (d.target.live || d.reached()),
		lost && !d.target.live && d.splice == nil && d.filled():
		r.Outcome = Complete
		return nil
	case err == nil:
		return fmt.Errorf("%w: at %v of %v", ErrTruncated, r.Position, r.Duration)
	case lost && !isWrite(err):
		r.Outcome = ClosedEarly
	}
	return err
}
