// Package relay plays and publishes live streams, and reconnects as often as necessary: a [Player] plays one stream, and a [Publisher]
// publishes one. [Run] copies from a Player to Publishers.
//
//	source := &relay.Player{URL: "rtmp://camera.example/live/1"}
//	err := relay.Run(ctx, source,
//		&relay.Publisher{URLs: []string{"rtmp://a.example/live/key", "rtmp://b.example/live/key"}},
//		&relay.Publisher{URLs: []string{"rtmp://c.example/live/other"}})
//
// Package media can read from a Player and write to a Publisher, so decoders and encoders need not handle lost connections either.
//
// # Time
//
// The timestamps of a Player begin at 0 and follow the server's timestamps. If the server's timestamps restart at a new connection, or jump
// within one, the Player's timestamps advance by the time that has passed on the local clock instead, so that a gap keeps its length.
package relay
