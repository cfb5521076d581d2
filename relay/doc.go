// Package relay has sources and targets of live streams that last: a [Player] plays a stream for ever and a [Publisher] publishes
// one for ever, over as many connections as that takes. [Run] joins them.
//
//	source := &relay.Player{URL: "rtmp://camera.example/live/1"}
//	err := relay.Run(ctx, source,
//		&relay.Publisher{URLs: []string{"rtmp://a.example/live/key", "rtmp://b.example/live/key"}},
//		&relay.Publisher{URLs: []string{"rtmp://c.example/live/other"}})
//
// Both are what package media reads from and writes to, so that decoders and encoders need not know of lost connections either.
//
// # Time
//
// A Player's line of time begins at 0. After a connection was lost the stream goes on at its own time if the server has counted
// on, and otherwise where it would be if time had passed as it has here: a gap stays as long as it was. The same holds where a
// server begins to count anew, or jumps, on one connection.
package relay
