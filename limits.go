package rtmp

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
	// maxQuickAcks is the number of reads of a connection, including the handshake, for which TCP is asked to acknowledge at once. It is
	// more than connecting needs, even if each message arrives alone. It bounds the additional system calls of a connection that never
	// plays.
	maxQuickAcks = 64
)
