// Package live is the hub of the server. It contains the live streams with their publishers and players. It does not depend on connections
// and commands: it receives FLV tags, and passes bytes to its players that all of them share.
//
//	Publisher.Write -> | log: m m K m m m m K m m m | -> pusher -> Sink.TryWrite, Sink.Write   (Player: RTMP chunks)
//	                              ^        ^     ^    -> wake   -> Subscriber.Next, NextBatch   (FLV, recordings, programs)
//	                              cursors of players
//
// A stream is one log of messages. A message is encoded once, in the form in which it is sent, and each player is a cursor in the log,
// so the log is both the cache for late joiners and the queue of each player. It keeps the messages since the last key frame and those
// that players have not taken yet, but at most Policy.Backlog bytes and Policy.BacklogTime. A cursor that falls out of the log
// continues at the newest key frame.
//
// # Waiting
//
// A publisher never waits. A pusher goroutine (with many players several, up to one for each processor) offers new messages to every
// player without blocking ([Sink.TryWrite]). A player that cannot take them gets its own goroutine, which blocks in [Sink.Write] until
// the player has caught up. Subscribers fetch their messages.
//
// # Lock order
//
//	Hub.mu > stream.mu      Player.mu > stream.mu
//
// Hub.mu guards the table of streams. stream.mu guards everything about one stream except the cursors: its log, its publication, the
// lists of its players. A cursor belongs to the goroutine that writes for it: the pusher, which holds Player.mu, the player's own
// goroutine, or the caller of Subscriber.Next. Sinks and callbacks are called without Hub.mu and stream.mu. Sink.TryWrite is called
// with Player.mu.
package live
