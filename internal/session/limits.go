package session

// These are limits on what a peer can make a Session keep, in addition to Config.MaxMessageSize and the limits of package chunk.
const (
	// MaxCallbackBytes bounds the memory of the waiting callbacks and the running one, in bytes. A single callback may be larger.
	MaxCallbackBytes = 16 << 20
	// CallbackSize is the memory of a callback in addition to its arguments, in bytes.
	CallbackSize = 256
	// MaxReplies bounds the number of pending replies. If a peer sends pings faster than it reads the answers, answers are dropped, but the
	// connection stays alive.
	MaxReplies = 1024
	// maxReplyBytes bounds the total length of the pending replies' bodies. TryReply drops a reply that would exceed it, unless no reply is
	// pending.
	maxReplyBytes = 1 << 20
	// shortReplies is the maximum number of bytes of replies that the reader writes to a roomy connection.
	shortReplies = 1 << 10
	// Post adds a message to the pending replies only if there are fewer than maxPosted, and their bodies then have at most maxPostedBytes
	// in total.
	maxPosted      = 256
	maxPostedBytes = 64 << 10
	// maxPendingCalls bounds the number of unanswered calls, which need some 250 bytes each.
	maxPendingCalls = 1 << 16
)
