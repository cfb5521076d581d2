package session

// What a peer can make a Session keep, beyond Config.MaxMessageSize and the limits of package chunk.
const (
	// MaxCallbackBytes bounds the callbacks that wait and the one that runs, in bytes of memory. A single callback may be larger.
	MaxCallbackBytes = 16 << 20
	// CallbackSize is what a callback takes besides its arguments, in bytes of memory.
	CallbackSize = 256
	// MaxReplies bounds the replies that wait for a writer. A peer that sends pings faster than it reads our answers loses
	// answers, not the connection.
	MaxReplies = 1024
	// maxReplyBytes bounds the bodies of the replies that TryReply adds, unless a single one is longer.
	maxReplyBytes = 1 << 20
	// maxPosted and maxPostedBytes bound the replies beside which Post adds a message, and their bodies.
	maxPosted      = 256
	maxPostedBytes = 64 << 10
	// maxPendingCalls bounds the calls without an answer, at some 250 bytes each.
	maxPendingCalls = 1 << 16
)
