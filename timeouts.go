package rtmp

import (
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
)

// How long each wait may take. Options.Timeout bounds all the others, and package session those of a connection that is made.
const (
	// defaultTimeout is Options.Timeout if that is zero, as in librtmp.
	defaultTimeout = 30 * time.Second

	// connectPatience is how long Dial waits for the answer to a connect that announces Enhanced RTMP, before it tries without.
	// go2rtc 1.9 drops a command that holds a strict array, as fourCcList is, and says nothing.
	connectPatience = 3 * time.Second
	// createPatience is how long createStream may stay unanswered after connect was answered, with Options.Pipelining: servers
	// that take it answer both at once.
	createPatience = time.Second

	// closeGrace is how long Stream.Close lets a write go on that makes no progress. Hanging up may take a quarter of a second
	// more, and both together no longer than a second.
	closeGrace = 750 * time.Millisecond
	// closeTimeout bounds what Conn.Close says to the server before it hangs up, unless it has published.
	closeTimeout = 250 * time.Millisecond
	// lingerGrace is how long a server that has everything may take to hang up. Some never do.
	lingerGrace = time.Second
)

// errImpatient is connect's while another way to connect is left.
var errImpatient error = &session.TimeoutError{What: "connect"}
