// Package live is the hub of the server: streams that are published, and those who play them. It knows nothing of connections and
// commands; what it is given are FLV tags, and what it gives are bytes that many players share.
//
//	Publisher.Write -> | log: m m K m m m m K m m m | -> pusher -> Sink.TryWrite, Sink.Write   (Player: RTMP chunks)
//	                              ^        ^     ^    -> wake   -> Subscriber.Next, NextBatch   (FLV, recordings, programs)
//	                              cursors of players
//
// A stream is one log of messages. A message is encoded once, as it will be sent, and every player is a cursor in the log: cache and
// queue are the same thing. The log keeps what came since the last key frame, and what players have not taken yet, but never more
// than Policy.Backlog bytes or than came within Policy.BacklogTime. A cursor that falls out of it goes on at the newest key frame.
//
// # Who waits for whom
//
// A publisher waits for nobody. One pusher goroutine, with many players up to one for each processor, offers every player what is
// new without ever blocking ([Sink.TryWrite]); a player that can't take it gets a goroutine of its own, which blocks in [Sink.Write]
// until the player has caught up. Subscribers come and fetch.
//
// # Lock order
//
//	Hub.mu > stream.mu      Player.mu > stream.mu
//
// Hub.mu guards the table of streams, stream.mu everything about one stream that is not a cursor: its log, its publication, the lists
// of its players. A cursor belongs to whoever writes for it: to the pusher, which holds Player.mu, to the player's goroutine, or to the
// caller of Subscriber.Next. Sinks and callbacks are called without Hub.mu and stream.mu.
package live
