package live

import "errors"

// Errors that this package returns as they are. None of them holds a path, which may be a key.
var (
	ErrPublished = errors.New("live: the stream is being published by somebody else") // Hub.Publish: NetStream.Publish.BadName
	ErrNotFound  = errors.New("live: nobody publishes the stream")                    // NetStream.Play.StreamNotFound
	ErrClosed    = errors.New("live: closed")                                         // by the caller, or with the Hub

	// Why the hub has ended a publisher.
	ErrReplaced = errors.New("live: another publisher has taken the stream over")
	ErrIdle     = errors.New("live: the publisher has sent no media for too long")
	ErrBitrate  = errors.New("live: the publisher sends more than it may")
)
