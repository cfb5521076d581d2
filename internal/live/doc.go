// Package live is the hub of the server. It contains the live streams with their publishers and players. It knows nothing of connections
// and commands: it receives FLV tags, encodes them once, and passes the same bytes to all players.
//
//	Publisher.Write -> | log: m m K m m m m K m m m | -> pusher -> Sink.TryWrite, Sink.Write   (Player: RTMP chunks)
//	                              ^        ^     ^    -> wake   -> Subscriber.Next, NextBatch   (FLV, recordings, programs)
//	                              cursors of players
//
// A stream is one log of messages, which are encoded for sending. Each player has a cursor in the log. The log is therefore both the cache
// for players that join late and the send queue of every player. It keeps the messages since the last key frame and those that players have
// not been sent yet, but at most Policy.Backlog bytes and Policy.BacklogTime. If the log drops the message at a cursor, the cursor
// continues at the newest key frame.
//
// # Waiting
//
// A publisher waits only for recorders, if it is ahead of its timestamps (see pace). A pusher goroutine writes new messages to every player
// without blocking ([Sink.TryWrite]). If there are many players, there are several pushers, up to one for each processor. If a player's Sink
// does not accept the messages, the player gets its own goroutine, which blocks in [Sink.Write] until the player has caught up. Subscribers
// fetch their messages. Recorders are Subscribers that the publisher itself wakes.
//
// # Lock order
//
//	Hub.mu > stream.mu      Player.mu > stream.mu
//
// Hub.mu guards the table of streams. stream.mu guards the state of one stream except the cursors: its log, its publication, and the
// lists of its players. A cursor belongs to the goroutine that writes for it: the pusher, which holds Player.mu, the player's own
// goroutine, or the caller of Subscriber.Next. Sinks and callbacks are called without Hub.mu and stream.mu. Sink.TryWrite is called
// with Player.mu held.
package live
