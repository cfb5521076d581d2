package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-librtmp/rtmp/internal/reconnect"
)

var errGap = errors.New("download: the server begins after the end of the file")

// minSession is the shortest session after which a request to reconnect does not count as a failure. If requests never counted, a server
// could ask forever.
const minSession = time.Minute

// sessions plays the stream with as many sessions as necessary. The error is nil if the server has ended the stream.
func (d *download) sessions(ctx context.Context) error {
	back := 0 // number of key frames
	failed := 0
	for {
		before, began := d.out.audio+d.out.video, time.Now()
		err := d.session(ctx, back)
		if errors.Is(err, errGap) {
			back = max(1, 2*back)
			continue
		}
		back = 0
		var again *reconnect.Moved
		if errors.As(err, &again) {
			d.target = d.target.moved(again)
		}
		if d.out.audio+d.out.video > before && (again == nil || time.Since(began) > minSession) {
			failed = 0
		}
		wait, ok := d.recoverable(ctx, err, failed)
		if again != nil && ctx.Err() != nil {
			err = fmt.Errorf("download: %w", ctx.Err()) // the request has not ended the download
		}
		if !ok {
			return err
		}
		if d.next != nil && d.next.Ready() {
			wait = 0
		}
		failed++
		d.report(Progress{Phase: Retrying, Err: err, Wait: wait})
		d.log.Info("download: reconnecting", "error", err, "wait", wait)
		if err := reconnect.Sleep(ctx, wait); err != nil {
			return fmt.Errorf("download: %w", err)
		}
	}
}

type player interface {
	// play writes the stream to w as an FLV file until w fails or the stream ends. The error is nil if the server has ended the stream.
	play(ctx context.Context, w io.Writer) error
	// damaged returns the number of damaged messages in the session so far.
	damaged() uint64
	// paused reports whether the stream was paused since the last call. After a pause the server may send media again.
	paused() bool
	close()
}

// session plays on one connection, from the beginning or from back key frames before the last one of the file.
func (d *download) session(ctx context.Context, back int) error {
	last, err := d.prepare(back)
	if err != nil {
		return err
	}
	d.report(Progress{Phase: Connecting})
	s, err := d.open(ctx, d.from)
	if err != nil {
		return err
	}
	defer func() {
		d.result.BadData += s.damaged()
		s.close()
	}()
	d.result.Sessions++
	d.result.Ended = false
	d.report(Progress{Phase: Playing})
	in := intake{download: d, player: s, last: last}
	err = s.play(ctx, &in)
	switch {
	case in.err == errStopped:
		d.result.Ended = true
		return nil
	case in.err != nil:
		return in.err
	case err != nil:
		return err
	}
	d.result.Ended = true
	return d.ended(last)
}

// prepare chooses the position at which the session begins. last reports whether there is no earlier position to try.
func (d *download) prepare(back int) (last bool, err error) {
	t := d.out.tail
	d.splice, d.shifts, d.resumed, d.back = nil, shifts{}, false, back
	if t.empty() {
		d.out.discard()
		d.from = d.target.options.Start
		if d.o.Quirks && !d.target.options.Live {
			by := uint32(d.from.Milliseconds())
			d.shifts = shifts{by, by, by}
		}
		return true, nil
	}
	if err := d.out.identify(); err != nil {
		return false, err
	}
	at, ok := t.resumePoint(d.o.SkipKeyFrames + back)
	if !ok {
		at = t.first.time
	}
	d.from = 0
	if ok || d.result.Sessions > 0 { // the server's origin is known
		d.from = ms(at + d.base)
	}
	if d.target.options.Live {
		at = t.last() + uint32(time.Since(d.lastWrite).Milliseconds())
		d.from = 0
	}
	d.resumed = true
	d.splice = newSplice(t, at, d.target.options.Live)
	return !ok || d.target.options.Live, nil
}
