package session

// These are limits on what a peer can make a Session keep, in addition to Config.MaxMessageSize and the limits of package chunk.
const (
	// MaxCallbackBytes bounds the memory of the waiting callbacks and the running one, in bytes. A single callback may be larger.
	MaxCallbackBytes = 16 << 20
	// CallbackSize is the memory of a callback in addition to its arguments, in bytes.
	CallbackSize = 256
	// MaxReplies bounds the number of replies that wait for a writer. If a peer sends pings faster than it reads the answers, answers are
	// dropped, but the connection stays alive.
	MaxReplies = 1024
	// maxReplyBytes bounds the bodies of the replies that TryReply adds, unless a single one is longer.
	maxReplyBytes = 1 << 20
	// maxPosted and maxPostedBytes bound the number of replies to which Post may add a message, and the bytes of their bodies.
	maxPosted      = 256
	maxPostedBytes = 64 << 10
	// maxPendingCalls bounds the number of unanswered calls, which need some 250 bytes each.
	maxPendingCalls = 1 << 16
)
