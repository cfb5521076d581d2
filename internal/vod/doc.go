// Package vod plays and records FLV files in folders. It handles files and tags, not connections: a server asks it for the tags that are
// due, and passes it the tags to record.
//
//	player, err := folder.Play(ctx, "vod/film.flv", vod.PlayOptions{Length: -1, Buffer: 3 * time.Second})
//	...
//	for {
//		wait, err := player.Fill() // io.EOF at the end
//		...                        // wait > 0: a timer, the client's commands, or the end of the connection
//		for player.Next(&tag) {
//			// gather it
//		}
//		// write what was gathered
//	}
//
// Names are file names relative to the folder, with slashes, and end with ".flv". They cannot lead out of the folder, not even
// through symbolic links.
package vod
