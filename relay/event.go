package relay

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// EventKind is the kind of an [Event].
type EventKind int

const (
	Connecting  EventKind = iota // a connection is being made
	Connected                    // the server has accepted the stream: a Publisher begins to send, a Player waits for media
	Playing                      // Player: media has arrived
	Unpublished                  // Player: the server works, but the stream is not being published, or no longer
	Down                         // the server can't be reached, or the connection was lost or is silent
	Refused                      // the server has refused
	Moved                        // the server has asked the client to connect to URL instead; the old connection is used until Connected follows
	Gap                          // Player: something may be missing before the next packet
)

// String returns the kind's name in lower case, such as "connecting".
func (k EventKind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("EventKind(%d)", int(k))
	}
	return kindNames[k]
}

var kindNames = [...]string{
	Connecting: "connecting", Connected: "connected", Playing: "playing", Unpublished: "unpublished", Down: "down",
	Refused: "refused", Moved: "moved", Gap: "gap",
}

// Event reports a change in the state of a Player or Publisher.
type Event struct {
	Kind  EventKind
	URL   string        // the server, without parts that may be secret: user, password, stream name, queries
	Index int           // index in Publisher.URLs; for Moved, that of the server that sent the request
	Err   error         // the reason for Unpublished, Down and Refused; free of secrets
	Wait  time.Duration // time until the next attempt to connect, for Unpublished, Down, Refused and Moved
	Gap   time.Duration // how much is missing, for Gap; 0 if unknown
}

// String describes the event in one line for a log.
func (e Event) String() string {
	text := e.URL
	if e.Index > 0 {
		text += " (URLs[" + strconv.Itoa(e.Index) + "])"
	}
	text += ": " + e.Kind.String()
	if e.Err != nil && e.Err != io.EOF { // io.EOF adds nothing to the kind
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
