package rtmp

import (
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
)

// These are limits on what a server can make the client keep or do, in addition to the limits in Options.
const (
	// defaultMaxQueue is used if Options.MaxQueue is zero, in bytes.
	defaultMaxQueue = 16 << 20
	// maxClosedIDs is how many ids of recently closed streams are remembered. The last messages of a stream arrive soon after it was
	// closed, so older ids are not needed.
	maxClosedIDs = 256
	// maxSharedBytes bounds the properties of one shared object, in bytes of memory.
	maxSharedBytes = 16 << 20
	// sharedPropertySize is the memory of a property in addition to its name and value, in bytes: the entry in a map.
	sharedPropertySize = 96
	// maxConnectNesting bounds the nesting of objects that conn= options open.
	maxConnectNesting = 16
	// maxQuickAcks is the number of reads of a connection, including the handshake, before which TCP is asked to acknowledge at once. It is
	// more than connecting needs, even if each message arrives alone. It bounds the additional system calls of a connection that never
	// plays.
	maxQuickAcks = 64
)

// These are the limits of some waits. Options.Timeout bounds all others, except for the grace of a write (writeGrace in internal/session)
// and the times that TLS and tunnels have to close (internal/transport).
const (
	// defaultTimeout is used if Options.Timeout is zero. It is librtmp's default.
	defaultTimeout = 30 * time.Second

	// connectPatience is how long Dial waits for the answer to a connect that announces Enhanced RTMP, before it tries again without the
	// announcement. go2rtc 1.9 silently drops a command that contains a strict array, such as fourCcList.
	connectPatience = 3 * time.Second
	// createPatience is how long createStream may remain unanswered after connect was answered, with Options.Pipelining. Servers that
	// support pipelining answer both at once.
	createPatience = time.Second

	// closeGrace is how long closing a Stream or a SharedObject waits for a network that accepts no byte. Closing the connection may take
	// another quarter of a second, so that both together take no longer than a second.
	closeGrace = 750 * time.Millisecond
	// stallGrace takes the place of closeGrace for a published Stream, unless its write deadline has passed or the context of Bind is done.
	// On a network that loses packets, TCP may wait for seconds before it tries again.
	stallGrace = 5 * time.Second
	// closeTimeout bounds the last messages of Conn.Close, unless the Conn has published.
	closeTimeout = 250 * time.Millisecond
	// lingerGrace is how long a server that has received everything may take to hang up. Some servers never hang up.
	lingerGrace = time.Second
)

// errImpatient is the error of an attempt that was given up because the client can connect in another way.
var errImpatient error = &session.TimeoutError{What: "connect"}
