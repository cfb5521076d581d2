package rtmp

// Limits on what a server can make us keep or do, in addition to those that a program sets in Options.
const (
	// defaultMaxQueue is Options.MaxQueue if that is zero, in bytes.
	defaultMaxQueue = 16 << 20
	// maxClosedIDs is how many ids of recently closed streams are remembered. Messages that a server had sent before the end of a stream
	// arrive soon after it, so older ids are not needed.
	maxClosedIDs = 256
	// maxSharedBytes bounds the properties of one shared object, in bytes of memory.
	maxSharedBytes = 16 << 20
	// sharedPropertySize is the memory of a property in addition to its name and value, in bytes: its place in a map.
	sharedPropertySize = 96
	// maxConnectNesting bounds the nesting of objects that conn= options open.
	maxConnectNesting = 16
	// maxQuickAcks is the number of reads of a connection, including those of the handshake, that may acknowledge earlier bytes at once. It
	// is more than connecting takes, even if each message arrives alone, and few for a connection that never plays.
	maxQuickAcks = 64
)
