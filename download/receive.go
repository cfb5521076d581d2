package download

import (
	"errors"
	"math"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
)

// intake is the writer to which a player writes the stream.
type intake struct {
	*download
	player player
	last   bool // no earlier session can be tried
	parser flv.Parser
	err    error // the first error, which is permanent
}

// Write implements io.Writer. The received tags are then in the file, unless they are held back.
func (in *intake) Write(b []byte) (int, error) {
	if in.err != nil {
		return 0, in.err
	}
	size := in.out.tail.end
	for rest := b; in.err == nil; {
		var tag flv.Tag
		n, ok, err := in.parser.Parse(rest, &tag)
		if in.err = err; !ok {
			break
		}
		in.err = in.received(in.player, tag, wholeTag(rest, n, tag), in.last)
		rest = rest[n:]
	}
	if err := in.out.flush(); err != nil {
		in.err = err
	}
	if in.err != nil {
		return 0, in.err
	}
	switch {
	case in.splice != nil:
		in.report(Progress{Phase: Matching})
	case in.out.tail.end != size:
		in.report(Progress{Phase: Receiving})
	}
	return len(b), nil
}

// wholeTag returns the encoded tag that ends after n bytes of b, or nil if b contains only a part.
func wholeTag(b []byte, n int, tag flv.Tag) []byte {
	start, end := n-len(tag.Body)-flv.TagHeaderSize, n+flv.PreviousTagSizeLen
	if start < 0 || end > len(b) {
		return nil
	}
	return b[start:end]
}

// received handles a tag of the stream. raw is the encoded tag, or nil if it is not in one piece.
func (d *download) received(s player, tag flv.Tag, raw []byte, last bool) error {
	d.hasMedia = true
	switch tag.Type {
	case flv.TagAudio, flv.TagVideo:
		if len(tag.Body) == 0 || d.o.Quirks && (tag.Type == flv.TagAudio && len(tag.Body) <= 1 || tag.Type == flv.TagVideo && len(tag.Body) <= 5) {
			d.result.Dropped++
			return nil
		}
	case flv.TagScript:
		name, values, _ := flv.ParseScript(tag.Body)
		if name != "onMetaData" {
			return nil
		}
		d.metadata(tag, values)
	default:
		return nil
	}
	if d.splice == nil {
		return d.append(s, tag, raw)
	}
	ready, err := d.splice.add(tag)
	if err != nil {
		return err
	}
	if !ready {
		return nil
	}
	return d.join(false, last)
}

func (d *download) metadata(tag flv.Tag, values []any) {
	if duration := flv.Duration(values...); duration > 0 {
		d.duration = duration
	}
	for _, v := range values {
		if o := amf.Members(v); o != nil {
			d.properties = amf.ECMAArray(o)
		}
	}
	if d.splice != nil && d.out.tail.metadata != (content{}) && d.out.tail.metadata != d.out.tail.contentOf(tag) && !d.target.options.Live {
		d.result.MetadataChanged = true
		d.log.Warn("download: the server's metadata differs from the file's")
	}
	d.report(Progress{Phase: Metadata, Metadata: d.properties})
}

func (d *download) append(s player, tag flv.Tag, raw []byte) error {
	t := d.out.tail
	if !d.resumed && t.empty() && tag.Type != flv.TagScript {
		d.base = d.origin(tag.Timestamp)
	}
	tag.Timestamp += *d.shifts.of(tag.Type)
	if t.empty() && t.repeats(tag) {
		d.result.Dropped++ // already delivered by the previous session
		return nil
	}
	if s.paused() {
		if err := d.expectRepeats(); err != nil {
			return err
		}
	}
	if d.repeated(&tag) {
		d.result.Dropped++
		return nil
	}
	return d.write(tag, raw)
}

// repeats describes a track that is expected to begin before the end of the file.
type repeats struct {
	follower // its shift applies to the session's times, after shifts
	expected bool
	until    uint32 // in ms, in the file's time
	config   bool   // the decoder configuration may be repeated at any time
}

// expectRepeats is called when the server begins again before the end of the file.
func (d *download) expectRepeats() error {
	if err := d.out.identify(); err != nil {
		return err
	}
	t := d.out.tail
	f := follower{frames: framesOf(t.recent)}
	d.audio = repeats{f, t.audio.seen, t.audio.last, true}
	d.video = repeats{f, t.video.seen, t.video.last, true}
	return nil
}

// repeated reports whether the file has a tag already. A track that has passed its end in the file has no more repeats.
func (d *download) repeated(tag *flv.Tag) bool {
	r := &d.audio
	switch tag.Type {
	case flv.TagVideo:
		r = &d.video
	case flv.TagScript:
		return false
	}
	if r.config && kindOf(*tag) == flv.KindHeader {
		return d.out.tail.repeats(*tag)
	}
	r.config = false
	if !r.expected {
		return false
	}
	if r.after > 0 || int32(tag.Timestamp-r.until) <= 0 {
		if _, again := r.find(d.out.tail.contentOf(*tag), tag.Timestamp); again {
			return true
		}
	}
	tag.Timestamp += r.shift
	ahead := int32(tag.Timestamp - r.until)
	if ahead > 0 {
		*d.shifts.of(tag.Type) += r.shift
		r.expected, r.follower = false, follower{}
	}
	return ahead < 0
}

// origin returns the position of the file's time 0 in the stream, in ms. first is the first timestamp of the first session: if it lies before
// the requested position, the server counts from the position at which it begins to play.
func (d *download) origin(first uint32) uint32 {
	from := uint32(d.from.Milliseconds())
	if countsFromStart(first, from) {
		return from - d.shifts.other
	}
	return -d.shifts.other
}

// errStopped ends a session at rtmp.Options.Stop.
var errStopped = errors.New("download: stopped")

// passesStop reports whether a live stream that several sessions have played reaches rtmp.Options.Stop with tag. Servers count from the
// beginning of each session.
func (d *download) passesStop(tag flv.Tag) bool {
	stop, t := d.target.options.Stop, d.out.tail
	return d.target.options.Live && stop > 0 && d.result.Sessions > 1 && tag.Type != flv.TagScript && !t.empty() &&
		int32(tag.Timestamp-t.first.time) >= int32(min(stop.Milliseconds(), math.MaxInt32))
}

func (d *download) write(tag flv.Tag, raw []byte) error {
	if d.passesStop(tag) {
		return errStopped
	}
	if err := d.out.write(tag, raw); err != nil {
		return err
	}
	if tag.Type != flv.TagScript { // late metadata may have the timestamp 0
		d.position = tag.Timestamp
		if d.target.options.Live {
			d.measure(tag.Timestamp)
		}
	}
	return nil
}

// maxBack is how many key frames further back a new session may begin if the tags that the server plays are not found in the file, because
// the server has begun elsewhere than expected.
const maxBack = 2

// join continues the file with the held tags. last reports whether no session from an earlier position can be tried.
func (d *download) join(ended, last bool) error {
	p, ok := d.splice.plan(ended)
	if !ok {
		if last || d.back >= maxBack && d.splice.overlaps() {
			return ErrNoMatch
		}
		return errGap
	}
	if !last && p.gap > 0 {
		return errGap
	}
	d.splice, d.shifts = nil, p.shifts
	t := d.out.tail
	if d.out.file == nil {
		p.cut = t.end
	}
	d.result.Splices = append(d.result.Splices, Splice{Offset: p.cut, Removed: t.end - p.cut, ByContent: p.byContent, Gap: p.gap})
	d.result.Dropped += int64(p.dropped)
	d.joined(&p)
	d.log.Info("download: continuing", "offset", p.cut, "removed", t.end-p.cut, "by content", p.byContent, "gap", p.gap)
	if err := d.out.cut(p.cut); err != nil {
		return err
	}
	d.position = t.last()
	if err := d.expectRepeats(); err != nil {
		return err
	}
	for _, h := range p.tags {
		h.Timestamp += *p.shifts.of(h.Type)
		if d.out.file == nil && d.repeated(&h.Tag) { // a duplicate can't be cut off later
			continue
		}
		if err := d.write(h.Tag, nil); err != nil {
			return err
		}
	}
	return d.out.flushDisk()
}

func (d *download) ended(last bool) error {
	switch {
	case d.splice == nil:
		return nil
	case d.splice.started:
		return d.join(true, last)
	case last:
		return nil // the file ends where the stream ends
	}
	return errGap
}
