package relay

import (
	"fmt"
	"io"
	"time"
)

// EventKind says what has happened.
type EventKind int

const (
	Connecting  EventKind = iota // a connection is being made
	Connected                    // the server has agreed: a Publisher sends, a Player waits for sound or pictures
	Playing                      // Player: sound or pictures have come
	Unpublished                  // Player: the server is there, but nobody publishes the stream (any more)
	Down                         // the server can't be reached, or the connection is lost or silent
	Refused                      // the server has said no
	Moved                        // the server has asked to come back, at URL
	Gap                          // Player: something may be missing in front of what comes next
)

// String returns the kind's name in lower case, such as "connecting".
func (k EventKind) String() string {
	switch k {
	case Connecting:
		return "connecting"
	case Connected:
		return "connected"
	case Playing:
		return "playing"
	case Unpublished:
		return "nobody publishes"
	case Down:
		return "down"
	case Refused:
		return "refused"
	case Moved:
		return "moved"
	case Gap:
		return "gap"
	}
	return fmt.Sprintf("EventKind(%d)", int(k))
}

// Event is what a Player or Publisher tells of itself.
type Event struct {
	Kind EventKind
	URL  string        // without what may be a key: user, password, the stream's name, queries
	Err  error         // why, of Unpublished, Down and Refused. It has no secrets in it
	Wait time.Duration // how long until the next try, of those and Moved
	Gap  time.Duration // how much time is missing, of Gap; 0: that can't be told
}

// String describes the event in a line for a log.
func (e Event) String() string {
	text := e.URL + ": " + e.Kind.String()
	if e.Err != nil && e.Err != io.EOF { // which the kind has said
		text += ": " + e.Err.Error()
	}
	if e.Kind == Gap {
		text += " of " + e.Gap.String()
	}
	if e.Wait > 0 {
		text += "; again in " + e.Wait.Round(time.Millisecond).String()
	}
	return text
}
