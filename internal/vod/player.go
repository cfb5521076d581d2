package vod

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// PlayOptions say what is played, and how fast.
type PlayOptions struct {
	Start  time.Duration // a position in terms of the file's timestamps; play begins with the key frame before it; <= 0 means the beginning
	Length time.Duration // how long to play after Start; 0 means to end at once, < 0 with the file
	Buffer time.Duration // the client's buffer: how far ahead of their time tags are returned; see Player.Fill
	AsFast bool          // return tags as fast as possible, regardless of Buffer
}

// FrameRoom is how many bytes of Tag.Frame precede the body.
const FrameRoom = flv.PreviousTagSizeLen + flv.TagHeaderSize

// Tag is a tag of a file.
type Tag struct {
	flv.Tag

	// Frame is the tag as in the file, including the PreviousTagSize before it: FrameRoom bytes, then Body. The frames returned between two
	// calls of Fill are adjacent in memory, so together they are FLV again, and the capacity of each extends to the end of the last. So
	// messages whose headers have at most FrameRoom bytes can be made from them in place: out = first.Frame[:0]; then append header and
	// Body of each before Next is called again.
	Frame []byte
}

// Forever is the wait that Fill returns if playing continues only after Seek or Resume.
const Forever time.Duration = math.MaxInt64

// Player reads one file for one client. It is used by one goroutine at a time. While nothing is due it has no buffer, otherwise one
// of 64 KiB, or of the size of a larger tag.
type Player struct {
	folder *Folder
	name   string
	file   *os.File
	size   int64 // size of the file at the last check
	closed bool

	piece  piece
	front  []Tag // headers that precede the piece
	line   flv.Timeline
	until  int64 // in ms; < 0 means no limit
	over   bool  // the position until has been reached
	clock  pacer
	glance bool // the clock is stopped, but one picture is due
}

// followEvery is how often a Player checks whether a recording has grown.
const followEvery = 250 * time.Millisecond

func newPlayer(folder *Folder, name string, file *os.File, o PlayOptions) (*Player, error) {
	p := &Player{folder: folder, name: name, file: file, until: -1, clock: pacer{buffer: o.Buffer, asFast: o.AsFast}}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	p.size = info.Size()
	s, err := newScanner(file, p.size)
	if err != nil {
		return nil, err
	}
	p.piece = piece{file: file, at: s.pos - flv.PreviousTagSizeLen}
	if o.Length >= 0 {
		p.until = (max(o.Start, 0) + o.Length).Milliseconds()
	}
	p.over = o.Length == 0
	return p, nil
}

// Fill reads the next piece of the file, 64 KiB or one larger tag, if it is due. If it returns 0 and no error, call Next until it returns
// no more tags. Otherwise nothing is due for the returned time: call Fill again then, or after Seek, Resume or SetBuffer. Tags that Next
// has not returned yet are kept.
//
// A piece is due when the time of its first tag is at most Buffer ahead of the client's clock. The clock starts when the first tag, or the
// first tag after Seek, is returned, and is stopped by Pause. So a client receives as much as its buffer holds,
// and up to 64 KiB more.
//
// At the end of the file or of PlayOptions.Length the error is io.EOF; a file that is being recorded has no end until the recording is
// closed. If the file ends within a tag, or contains something that is not a tag, the error is an [*flv.Error], and everything before it
// has been returned. Seek can be used after all of these errors. Any other error is an [*Error].
func (p *Player) Fill() (wait time.Duration, err error) {
	switch {
	case p.closed:
		return 0, p.fail("play", ErrClosed)
	case len(p.front) > 0:
		return 0, nil
	case p.over:
		p.piece.moveTo(p.piece.position())
		return 0, io.EOF
	case p.clock.stands() && !p.glance:
		return Forever, nil
	}
	for {
		if _, _, ok := p.ready(); ok {
			return 0, nil
		}
		wait, err = p.load()
		if err != nil || wait > 0 {
			p.piece.moveTo(p.piece.position())
			return wait, p.fail("play", err)
		}
	}
}

// ready returns the header of the next tag if the whole tag is in memory.
func (p *Player) ready() (t flv.Tag, size int, ok bool) {
	for {
		rest := p.piece.rest()
		if len(rest) < FrameRoom {
			return t, 0, false
		}
		t, size, err := p.piece.head()
		if err != nil || len(rest) < FrameRoom+size {
			return t, 0, false
		}
		if isMedia(t.Type) {
			return t, size, true
		}
		p.piece.take(FrameRoom + size)
	}
}

// load reads the piece with the next tag if the tag is due, or skips the tag if it is not wanted.
func (p *Player) load() (wait time.Duration, err error) {
	t, size, err := p.ahead()
	switch {
	case err == errNotYet:
		return followEvery, nil
	case err != nil:
		return 0, err
	case !isMedia(t.Type):
		p.piece.moveTo(p.piece.position() + FrameRoom + int64(size))
		return 0, nil
	}
	if wait = p.due(t); wait > 0 {
		return wait, nil
	}
	if err = p.piece.read(FrameRoom + size); err == nil && len(p.piece.rest()) < FrameRoom+size {
		p.size = 0 // the file has become shorter: check its size again
	}
	return 0, err
}

// errNotYet is returned at the present end of a recording in progress.
var errNotYet = errors.New("not recorded yet")

// ahead returns the header of the next tag, after checking that the file has all of it. The error is io.EOF at the
// end of the file, and errNotYet at the present end of a recording in progress.
func (p *Player) ahead() (t flv.Tag, size int, err error) {
	growing := true
	for asked := false; ; asked = true {
		at := p.piece.position()
		t, size, err = p.piece.head()
		end := at + FrameRoom + int64(size)
		if err == nil && end <= p.size || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return t, size, err
		}
		switch {
		case !asked:
			growing = isRecorded(p.file) // checked before the size, since a recording is closed after its last write
			info, err := p.file.Stat()
			if err != nil {
				return t, size, err
			}
			p.size = info.Size()
			continue
		case growing:
			err = errNotYet
		case p.size == at+flv.PreviousTagSizeLen:
			err = io.EOF
		case err == nil:
			err = torn(at+flv.PreviousTagSizeLen, end+flv.PreviousTagSizeLen-p.size)
		}
		return t, size, err
	}
}

// due returns the time until a tag is due.
func (p *Player) due(t flv.Tag) time.Duration {
	if p.glance || t.Type == flv.TagScript {
		return 0
	}
	line := p.line
	return p.clock.wait(time.Now(), line.Unwrap(t.Timestamp))
}

// Next returns the next tag of the piece; ok is false if there are no more. The tag is a view that is valid until Fill, Seek, Pause
// or Close is called.
func (p *Player) Next(t *Tag) (ok bool) {
	if len(p.front) > 0 {
		*t, p.front[0] = p.front[0], Tag{} // drop the reference: the tag may be large
		p.front = p.front[1:]
		return true
	}
	if p.over || p.clock.stands() && !p.glance {
		return false
	}
	tag, size, ok := p.ready()
	if !ok {
		return false
	}
	if tag.Type != flv.TagScript {
		now := p.line.Unwrap(tag.Timestamp)
		if p.over = p.until >= 0 && now >= p.until; p.over {
			return false
		}
	}
	t.Tag, t.Frame = tag, p.piece.take(FrameRoom+size)
	t.Body = t.Frame[FrameRoom:]
	if p.glance {
		kind, _ := flv.KindOf(t.Tag)
		_, _, more := p.ready()
		p.glance = more && kind != flv.KindKeyFrame
	}
	return true
}

// Seek moves to a position: Fill and Next then return the headers that are valid there (metadata, and the decoder configurations of every
// track, with the timestamp of the tag after them), and then the key frame before the position and what follows it; after Pause, only that
// key frame. Tags that Next has not returned yet are dropped. The error is an [*Error], for example with ErrInvalidTime, or ctx's; the
// Player's position is then unchanged.
func (p *Player) Seek(ctx context.Context, to time.Duration) error {
	return p.fail("seek", p.seek(ctx, to))
}

func (p *Player) seek(ctx context.Context, to time.Duration) error {
	if p.closed {
		return ErrClosed
	}
	x, err := p.folder.indexes.get(ctx, p.name, p.file)
	if err != nil {
		return err
	}
	e, front, err := p.find(ctx, x, to.Milliseconds())
	if errors.Is(err, errStale) {
		if x, err = p.folder.indexes.rebuild(ctx, p.name, p.file); err != nil {
			return err
		}
		e, front, err = p.find(ctx, x, to.Milliseconds())
	}
	if err != nil {
		return err
	}
	p.piece.moveTo(e.at - flv.PreviousTagSizeLen)
	p.front = front
	p.line.Set(e.time)
	p.over = false
	p.clock.restart()
	p.glance = p.clock.stands() && x.picture > 0
	return nil
}

// find returns the place from which to play for a time in ms, and the headers that are valid there.
func (p *Player) find(ctx context.Context, x *index, time int64) (e entry, front []Tag, err error) {
	if e, err = x.seek(ctx, p.file, time); err == nil {
		front, err = p.readHeaders(e)
	}
	return e, front, err
}

// maxHeaderBytes bounds the headers sent before a key frame, the same limit as in flv.Headers.
const maxHeaderBytes = 4 << 20

// readHeaders returns the headers that are valid at a place.
func (p *Player) readHeaders(e entry) (tags []Tag, err error) {
	var heads []head
	size, bytes := 0, 0
	for _, place := range e.headers {
		h, err := headAt(p.file, e.at, place.at)
		if isDamage(err) || h.end() > e.at {
			return nil, errStale
		}
		if err != nil {
			return nil, err
		}
		if bytes += h.size; bytes > maxHeaderBytes {
			break
		}
		heads = append(heads, h)
		size += FrameRoom + h.size
	}
	frames := make([]byte, size)
	for i, h := range heads {
		if i > 0 {
			flv.PutPreviousTagSize(frames, heads[i-1].size)
		}
		flv.PutTagHeader(frames[flv.PreviousTagSizeLen:], h.Type, h.size, uint32(e.time))
		body := frames[FrameRoom : FrameRoom+h.size]
		if _, err := p.file.ReadAt(body, h.at+flv.TagHeaderSize); err != nil {
			return nil, err
		}
		tag := flv.Tag{Type: h.Type, Timestamp: uint32(e.time), Filtered: h.Filtered, Body: body}
		tags = append(tags, Tag{Tag: tag, Frame: frames[:FrameRoom+h.size]})
		frames = frames[FrameRoom+h.size:]
	}
	return tags, nil
}

// Pause stops the client's clock: nothing is due until Resume. Tags that Next has not returned yet are returned after that.
func (p *Player) Pause() {
	p.clock.pause(time.Now())
	p.glance = false
	p.piece.moveTo(p.piece.position())
}

// Resume continues after Pause.
func (p *Player) Resume() { p.clock.resume(time.Now()) }

// SetBuffer changes PlayOptions.Buffer.
func (p *Player) SetBuffer(d time.Duration) { p.clock.buffer = d }

// Close closes the file.
func (p *Player) Close() error {
	if p.closed {
		return p.fail("play", ErrClosed)
	}
	p.closed = true
	p.piece.moveTo(p.piece.position())
	return p.file.Close()
}

// fail returns the error of an operation. It does not wrap io.EOF, damage and a context's error.
func (p *Player) fail(op string, err error) error {
	if err == io.EOF || isDamage(err) {
		return err
	}
	return failed(op, p.name, err)
}
