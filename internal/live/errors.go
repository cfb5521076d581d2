package live

import "errors"

// Errors that this package returns unwrapped. None contains a path, which may be a key.
var (
	ErrPublished = errors.New("live: the stream has another publisher") // Hub.Publish: NetStream.Publish.BadName
	ErrNotFound  = errors.New("live: the stream has no publisher")      // NetStream.Play.StreamNotFound
	ErrClosed    = errors.New("live: closed")                           // closed by the caller, or together with the Hub
	ErrCut       = errors.New("live: the stream was cut off")           // its last publisher was lost, and has not ended it

	// Reasons for which the hub ends a publisher.
	ErrReplaced = errors.New("live: another publisher has taken over the stream")
	ErrIdle     = errors.New("live: the publisher has sent no media for too long")
	ErrBitrate  = errors.New("live: the publisher sends more than it may")
	ErrShutdown = errors.New("live: shutting down")
)
