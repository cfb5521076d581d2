package vod

import (
	"context"
	"math"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// PlayOptions says what is played, and how fast.
type PlayOptions struct {
	Start  time.Duration // a position as in the file's timestamps; play begins with the key frame before. <= 0: the beginning
	Length time.Duration // play ends so long after Start; 0: at once; < 0: with the file
	Buffer time.Duration // the client's: how far ahead of their time tags are given out, see Player.Fill
	AsFast bool          // all tags at once, whatever Buffer says
}

// FrameRoom is how many bytes of Tag.Frame precede the body.
const FrameRoom = flv.BackPointerSize + flv.TagHeaderSize

// Tag is a tag of a file.
type Tag struct {
	flv.Tag

	// Frame is the tag as it is in the file, the back pointer before it included: FrameRoom bytes, then Body. The frames that are given out
	// between two calls of Fill that read lie one after the other in memory, so that together they are FLV again. The receiver may overwrite the FrameRoom
	// bytes, with a chunk header for instance, but not Body.
	Frame []byte
}

// Forever is what Fill returns where only Seek or Resume goes on.
const Forever time.Duration = math.MaxInt64

// Player reads one file for one client. It is used by one goroutine at a time. While nothing is due it has no buffer, otherwise one of 64 KiB, or of the size
// of a larger tag.
type Player struct{}

// Fill gets the next piece of the file, 64 KiB or one larger tag, if it is due. With 0 and no error there is something for Next. Otherwise
// nothing is due for so long: Fill is called again then, or after Seek, Resume or SetBuffer. Tags that Next did not yet return stay.
//
// A piece is due when its first tag is: when its time is no more than Buffer ahead of what a client shows that began when the first tag, or the first after
// Seek, was given out, and has not been stopped by Pause. So a client is given as much as its buffer takes, and up to 64 KiB more.
//
// At the end, of the file or of PlayOptions.Length, the error is io.EOF; a file that is being recorded has none until the recording is closed. If the
// file ends within a tag, or has something else than tags, the error is an [*flv.Error]: all that comes before has been
// given out. Seek goes on after all of these. Any other error is an [*Error].
func (p *Player) Fill() (wait time.Duration, err error) { panic("TODO") }

// Next returns the next tag of the piece, ok is false if there is no more. What it returns is a view, valid until Fill, Seek or Close is called.
func (p *Player) Next(t *Tag) (ok bool) { panic("TODO") }

// Seek goes to a position: Fill and Next then return the headers that are valid there (metadata, decoder configurations, of every track, with the timestamp of what
// follows), and the key frame before it with what follows; after Pause, that one key frame and no more. Tags that Next did not yet
// return are dropped. The error is an [*Error] with ErrInvalidTime, or ctx's; the Player is then where it was.
func (p *Player) Seek(ctx context.Context, to time.Duration) error { panic("TODO") }

// Pause stops the client's clock: nothing is due until Resume. What Fill got before may be taken, or be left for afterwards.
func (p *Player) Pause() { panic("TODO") }

// Resume goes on after Pause.
func (p *Player) Resume() { panic("TODO") }

// SetBuffer changes PlayOptions.Buffer.
func (p *Player) SetBuffer(d time.Duration) { panic("TODO") }

// Close closes the file.
func (p *Player) Close() error { panic("TODO") }
