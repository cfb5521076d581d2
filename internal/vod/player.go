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

// PlayOptions say which part of a file is played, and how fast.
type PlayOptions struct {
	Start  time.Duration // a timestamp of the file; play begins with the key frame at or before it; <= 0 means the beginning
	Length time.Duration // how long to play after Start; 0 means to end at once, < 0 to play to the end of the file
	Buffer time.Duration // size of the client's buffer: tags are due this long before the client shows them; see Player.Fill
	AsFast bool          // return tags as fast as possible, regardless of Buffer
}

// FrameRoom is the number of bytes in Tag.Frame before the body.
const FrameRoom = flv.PreviousTagSizeLen + flv.TagHeaderSize

// Tag is a tag of a file.
type Tag struct {
	flv.Tag

	// Frame is the tag in the form that it has in the file, after the PreviousTagSize of the tag before it. It consists of FrameRoom bytes
	// and the Body. The frames between two calls of Fill are adjacent in memory, so together they are FLV again. The capacity of each
	// extends to the end of the last one. If message headers have at most FrameRoom bytes, messages can therefore be made in place: begin
	// with out = first.Frame[:0], and append the header and the Body of each tag to out before the next call of Next.
	Frame []byte
}

// Forever is the wait that Fill returns if playing continues only after Seek or Resume.
const Forever time.Duration = math.MaxInt64

// Player reads one file for one client. It is used by one goroutine at a time. While no tag is due, it has no buffer. Otherwise it has a
// buffer of 96 KiB, or a larger one for a larger tag.
type Player struct {
	folder *Folder
	name   string
	file   *os.File
	size   int64 // size of the file at the last check
	closed bool

	piece  piece
	front  []Tag // headers that precede the piece
	line   flv.Timeline
	until  int64 // position in ms at which playing ends; < 0 means no limit
	over   bool  // the position until has been reached
	clock  pacer
	glance bool // one picture must be sent although the clock is stopped
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

// Fill reads the next piece of the file if the piece is due. A piece is 64 KiB, or one larger tag. If wait is 0 and there is no error, call
// Next until it returns no more tags. If wait is greater than 0, no tag is due: call Fill again after that time, or after Seek, Resume or
// SetBuffer. Fill keeps tags that Next has not returned yet.
//
// A piece is due when the time of its first tag is at most Buffer ahead of the client's clock. The clock starts when the first tag, or the
// first tag after Seek, is returned. Pause stops the clock. As a result, a client receives at most 64 KiB more than its buffer holds.
//
// At the end of the file or of PlayOptions.Length the error is io.EOF. There is no such end while a file is being recorded. If the file
// ends within a tag, or contains bytes that are not a tag, the error is an [*flv.Error], and all tags before it have been returned. After
// these errors, Seek may be called to continue. Any other error is an [*Error].
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

// load reads the piece with the next tag if the tag is due. It skips the tag if tags of that type are not played.
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
		p.size = 0 // the file has become shorter: check its size again in the next call
	}
	return 0, err
}

// errNotYet says that the next tag of a recording in progress has not been
// written yet.
var errNotYet = errors.New("not recorded yet")

// ahead returns the header of the next tag, if the file contains the whole tag. The error is io.EOF at the end of the file, and errNotYet
// at the end of what has been recorded so far.
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
		case p.size < at+flv.PreviousTagSizeLen:
			err = truncatedAt(at, at+flv.PreviousTagSizeLen-p.size)
		case err == nil:
			err = truncatedAt(at+flv.PreviousTagSizeLen, end+flv.PreviousTagSizeLen-p.size)
		}
		return t, size, err
	}
}

// due returns how long it takes until a tag is due.
func (p *Player) due(t flv.Tag) time.Duration {
	if p.glance || t.Type == flv.TagScript {
		return 0
	}
	line := p.line
	return p.clock.wait(time.Now(), line.Unwrap(t.Timestamp))
}

// Next sets t to the next tag of the piece. If the piece has no more tags, ok is false. The tag's memory is valid until Fill, Seek, Pause
// or Close is called.
func (p *Player) Next(t *Tag) (ok bool) {
	if len(p.front) > 0 {
		*t, p.front[0] = p.front[0], Tag{} // release the memory of the header, which may be large
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

// Seek moves to a position and drops the tags that Next has not returned yet. Fill and Next then return the headers that are valid at the
// position, with the timestamp of the tag after them: the metadata and the decoder configurations of every track. They continue with the
// key frame before the position and the tags after it. While the client's clock is stopped, they return only this key frame. The error is
// that of ctx or an [*Error], for example with ErrInvalidTime. After an error the Player's position is unchanged.
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

// find returns the entry at which playing begins for a time in ms, and the headers that are valid there.
func (p *Player) find(ctx context.Context, x *index, time int64) (e entry, front []Tag, err error) {
	if e, err = x.seek(ctx, p.file, time); err == nil {
		front, err = p.readHeaders(e)
	}
	return e, front, err
}

// maxHeaderBytes is the maximum size of the headers that are sent before a key frame, in
// bytes. flv.Headers has the same limit.
const maxHeaderBytes = 4 << 20

// readHeaders returns the headers that are valid at an entry.
func (p *Player) readHeaders(e entry) (tags []Tag, err error) {
	var heads []head
	size, bytes := 0, 0
	for _, header := range e.headers {
		h, err := headAt(p.file, e.at, header.at)
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

// Pause stops the client's clock, so that no tag is due until Resume. Tags that Next has not returned yet are returned after Resume.
func (p *Player) Pause() {
	p.clock.pause(time.Now())
	p.glance = false
	p.piece.moveTo(p.piece.position())
}

// Resume starts the client's clock again after Pause.
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

// fail returns an *Error for the error of an operation. It returns io.EOF, the error of a damaged file and the error of a context
// unchanged.
func (p *Player) fail(op string, err error) error {
	if err == io.EOF || isDamage(err) {
		return err
	}
	return failed(op, p.name, err)
}
