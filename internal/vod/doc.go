// Package vod plays from and records into folders of FLV files. It handles files and tags, not connections: a server asks it for the tags
// that are due, and passes it the tags to record.
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
// Names are file names inside of the folder, with slashes and the ending ".flv". They can't leave it, not even by symbolic links.
package vod
