package rtmp

// What a server can make us keep or do, beyond the limits that a program sets in Options.
const (
	// defaultMaxQueue is Options.MaxQueue if that is zero, in bytes.
	defaultMaxQueue = 16 << 20
	// maxClosedIDs is how many ids of closed streams are remembered, the newest. What a server still has under way for a stream
	// arrives soon after its end, so nothing is lost by forgetting the others.
	maxClosedIDs = 256
	// maxSharedBytes bounds the properties of one shared object, in bytes of memory.
	maxSharedBytes = 16 << 20
	// sharedPropertySize is what a property takes besides its name and value: its place in a map, in bytes.
	sharedPropertySize = 96
	// maxConnectNesting bounds the objects within each other that conn= options open.
	maxConnectNesting = 16
	// maxQuickAcks is how many reads of a connection, the handshake's included, may acknowledge at once what came before: more
	// than connecting takes, even if each message comes alone, and few for a connection that never plays.
	maxQuickAcks = 64
)
