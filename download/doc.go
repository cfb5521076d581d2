// Package download saves RTMP streams as FLV files. It continues a file that was cut off, reconnects after a lost
// connection, and reports whether everything has arrived.
//
//	result, err := download.File(ctx, "rtmp://example.com/vod/film", "film.flv", &download.Options{Resume: true})
//
// err is nil exactly when result.Outcome is Complete.
//
// # How a file is continued
//
// Package download ignores an incomplete tag at the end of the file, and bytes that are not a tag. It asks the server to play from the last
// key frame before them. Servers start at that key frame, at another one nearby, or at the beginning; their timestamps count from the
// beginning of the stream, or from where they start. Package download relies on none of this. It holds the received tags back and compares
// them with the end of the file, track by track, until they have passed the end. Then it cuts the file after the last tag that is the same
// in both, and appends the held tags. It does so only after the held tags extend in time to the end of the part to be cut off, or are as
// large as that part. Servers that send faster than the network may drop frames, different ones each time. Frames that only the file
// contains stay in it, and no frame is written twice. If no tag is the same, or only a few tags are the same when the stream ends, the
// server has another recording: the file stays unchanged, and the error is ErrNoMatch. Servers never send a live stream twice, so live
// streams are joined by their timestamps, at a key frame.
//
// The file is not changed before the match is found, so a failed attempt leaves it unchanged, and a crash leaves a file that can
// be continued.
package download
