package download

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// tolerance is how much may be missing at the end of a stream of known duration when the server has said the end: the
// last frame's own, and what metadata is wrong by.
const tolerance = time.Second

// reached reports whether what has come ends where the stream should, as far as that is known.
func (d *download) reached() bool {
	end := d.end()
	return end == 0 || d.streamTime(d.position)+tolerance >= end
}

// filled reports whether the last frame has come, as far as one can tell without the server's saying so.
func (d *download) filled() bool {
	const rounding = 10 // ms
	t, filled := d.out.tail, false
	for _, tr := range []track{t.audio, t.video} {
		filled = filled || tr.seen && d.streamTime(tr.last+tr.step+rounding) >= d.end()
	}
	return d.end() > 0 && filled
}

// streamTime is where in the stream a time of the file is. Streams whose times begin behind their duration count from
// anywhere.
func (d *download) streamTime(t uint32) time.Duration {
	if first := d.out.tail.first.time; d.known > 0 && ms(first+d.base) > d.known {
		return ms(t-first) + d.target.start
	}
	return ms(t + d.base)
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
