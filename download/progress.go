package download

import (
	"fmt"
	"time"

	"github.com/go-librtmp/rtmp/amf"
)

// Phase is what a download is doing.
type Phase int

// The phases, in order. Connecting follows Retrying.
const (
	Connecting Phase = iota
	Connected        // connect has been accepted
	Playing          // play has been requested
	Metadata         // onMetaData has arrived; see Progress.Metadata
	Receiving        // media is being written
	Matching         // received media is being compared with the end of the file
	Retrying         // the connection has ended with Progress.Err; the next one is made after Progress.Wait
)

// String returns the phase's name in lower case, such as "connecting".
func (p Phase) String() string {
	if p < 0 || int(p) >= len(phaseNames) {
		return fmt.Sprintf("Phase(%d)", int(p))
	}
	return phaseNames[p]
}

var phaseNames = [...]string{
	Connecting: "connecting", Connected: "connected", Playing: "playing", Metadata: "metadata", Receiving: "receiving",
	Matching: "matching", Retrying: "retrying",
}

// Progress is the state of a download.
type Progress struct {
	Phase    Phase
	Size     int64         // size of the file, in bytes
	Position time.Duration // time of the last message in the file; it does not change while Matching
	Duration time.Duration // duration of the stream, according to the metadata; 0 if unknown
	From     time.Duration // position at which the session began to play
	Resuming bool          // the session continues a file
	Metadata amf.ECMAArray // the new metadata, in phase Metadata
	Err      error         // the reason, in phase Retrying
	Wait     time.Duration // the wait before the next connection, in phase Retrying

	StartSize     int64         // Size when the download began
	StartPosition time.Duration // Position when the download began
	Rate          float64       // growth of Size over the last seconds, in bytes per second; 0 if unknown
	Remaining     time.Duration // estimated time for the rest at the present pace; 0 if unknown
}

const reportInterval = 100 * time.Millisecond

func (d *download) report(p Progress) {
	if d.o.Progress == nil {
		return
	}
	now := time.Now()
	if arriving := p.Phase == Receiving || p.Phase == Matching; arriving && p.Phase == d.reported.phase && now.Sub(d.reported.at) < reportInterval {
		d.reported.pending = true
		return
	}
	d.reported = reported{phase: p.Phase, at: now}
	p.Size, p.Position, p.Duration = d.out.tail.end, ms(d.position), d.duration
	p.From, p.Resuming = d.from, d.resumed
	p.StartSize, p.StartPosition = d.pace.first.size, d.pace.first.position
	p.Rate, p.Remaining = d.pace.at(mark{now, p.Size, p.Position}, p.Duration)
	d.o.Progress(&p)
}

func (d *download) reportLast() {
	if d.reported.pending {
		d.reported.at = time.Time{}
		d.report(Progress{Phase: d.reported.phase})
	}
}

type reported struct {
	phase   Phase
	at      time.Time
	pending bool // there is something new to report
}

// paceWindow is the minimum time over which the pace is measured. Before that, it is measured from the beginning of the download.
const paceWindow = 5 * time.Second

// pace measures the speed of a download between older and now.
type pace struct {
	first, older, newer mark
}

type mark struct {
	time     time.Time
	size     int64
	position time.Duration
}

func newPace(m mark) pace { return pace{m, m, m} }

// at returns the pace in bytes per second, and the time from m to end at that pace. 0 means unknown.
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
