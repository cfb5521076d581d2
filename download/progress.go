package download

import (
	"fmt"
	"time"

	"github.com/go-librtmp/rtmp/amf"
)

// Phase is what a download is doing.
type Phase int

// The phases, in order; after Retrying it is Connecting again.
const (
	Connecting Phase = iota
	Connected        // the server has accepted the connection
	Playing          // the stream has been asked for and begins
	Metadata         // onMetaData has arrived: Progress.Metadata
	Receiving        // something was written
	Matching         // what arrives is being compared with the end of the file
	Retrying         // Progress.Err has ended the connection; the next one comes after Progress.Wait
)

// String returns the phase's name in lower case, such as "connecting".
func (p Phase) String() string {
	switch p {
	case Connecting:
		return "connecting"
	case Connected:
		return "connected"
	case Playing:
		return "playing"
	case Metadata:
		return "metadata"
	case Receiving:
		return "receiving"
	case Matching:
		return "matching"
	case Retrying:
		return "retrying"
	}
	return fmt.Sprintf("Phase(%d)", int(p))
}

// Progress is the state of a download. It is valid during the call.
type Progress struct {
	Phase    Phase
	Size     int64         // of the file, bytes
	Position time.Duration // the time of the last message in the file: while Matching it stays
	Duration time.Duration // of the stream, as the metadata tells; 0: not known
	From     time.Duration // where the session began to play
	Resuming bool          // after what the file has already
	Metadata amf.ECMAArray // Metadata: what came
	Err      error         // Retrying: why
	Wait     time.Duration // Retrying: how long

	StartSize     int64         // Size when the download began: what there was to resume
	StartPosition time.Duration // Position, then
	Rate          float64       // by which Size has grown in the last seconds, bytes per second; 0: not known yet
	Remaining     time.Duration // how long the rest will take at the pace of the last seconds; 0: not known
}

// reportInterval is how far apart two reports of the same phase are at least while something arrives.
const reportInterval = 100 * time.Millisecond

// report tells the program what happens.
func (d *download) report(p Progress) {
	if d.o.Progress == nil {
		return
	}
	now := time.Now()
	if arriving := p.Phase == Receiving || p.Phase == Matching; arriving && p.Phase == d.reported.phase && now.Sub(d.reported.at) < reportInterval {
		d.reported.late = true
		return
	}
	d.reported = reported{phase: p.Phase, at: now}
	p.Size, p.Position, p.Duration = d.out.tail.end, ms(d.position), d.known
	p.From, p.Resuming = d.from, d.resumed
	p.StartSize, p.StartPosition = d.pace.first.size, d.pace.first.position
	p.Rate, p.Remaining = d.pace.at(mark{now, p.Size, p.Position}, p.Duration)
	d.o.Progress(&p)
}

// reportLast reports what has arrived since the last report.
func (d *download) reportLast() {
	if d.reported.late {
		d.reported.at = time.Time{}
		d.report(Progress{Phase: d.reported.phase})
	}
}

// reported is the last report.
type reported struct {
	phase Phase
	at    time.Time
	late  bool // something has happened since
}

// paceWindow is for how long the pace is measured at least, once there is so much.
const paceWindow = 5 * time.Second

// pace measures how fast a download goes, from older to now.
type pace struct {
	first, older, newer mark
}

// mark is where a download was at a time.
type mark struct {
	time     time.Time
	size     int64
	position time.Duration
}

func newPace(m mark) pace { return pace{m, m, m} }

// at returns the pace in bytes per second, and how long it takes to get from m to end. 0: not known.
func (p *pace) at(m mark, end time.Duration) (rate float64, remaining time.Duration) {
	if m.time.Sub(p.newer.time) >= paceWindow {
		p.older, p.newer = p.newer, m
	}
	elapsed, gained := m.time.Sub(p.older.time), m.position-p.older.position
	if elapsed < reportInterval || m.size <= p.older.size {
		return 0, 0
	}
	rate = float64(m.size-p.older.size) / elapsed.Seconds()
	if gained > 0 && end > m.position {
		remaining = time.Duration(float64(end-m.position) / float64(gained) * float64(elapsed))
	}
	return rate, remaining
}
