// Package relay plays and publishes live streams, and reconnects as often as necessary: a [Player] plays one stream, a [Publisher]
// publishes one, and both connect again whenever their connection is lost. [Run] copies from a Player to Publishers.
//
//	source := &relay.Player{URL: "rtmp://camera.example/live/1"}
//	err := relay.Run(ctx, source,
//		&relay.Publisher{URLs: []string{"rtmp://a.example/live/key", "rtmp://b.example/live/key"}},
//		&relay.Publisher{URLs: []string{"rtmp://c.example/live/other"}})
//
// Package media can read from a Player and write to a Publisher, so decoders and encoders need not deal with lost connections either.
//
// # Time
//
// The timestamps of a Player begin at 0. After a lost connection they follow the stream's own timestamps, if the server has continued to
// count. If it has not, they advance by the time that has passed on the local clock, so that a gap keeps its length. They do the same when
// the timestamps of a server start again or jump within one connection.
package relay
