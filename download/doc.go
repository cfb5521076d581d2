// Package download saves RTMP streams as FLV files. It continues a file that was cut off, reconnects after a lost
// connection, and reports whether everything has arrived.
//
//	result, err := download.File(ctx, "rtmp://example.com/vod/film", "film.flv", &download.Options{Resume: true})
//
// err is nil exactly when result.Outcome is Complete.
//
// # How a file is continued
//
// An incomplete tag at the end of the file is ignored, as are bytes that are not a tag. The server is asked to play
// from the last key frame before them. Servers start there, at another key frame nearby, or at the beginning; their
// timestamps count from the beginning of the stream, or from where they start. Package download relies on neither. It holds back the
// received tags and compares them with the end of the file, track by track, until they are past the end. Then it cuts the file after the
// last tag that is the same in both, and appends the held tags. It does so only once the held tags extend to the end of the part
// to be cut off in time, or are as large as that part. Servers that send faster than the network may drop frames, and different ones each time: frames that only
// the file has stay in it, and no frame is written twice. If no tag is the same, or only a few are when the stream ends, the server has
// another recording: the file stays unchanged, and the error is ErrNoMatch. Live streams are never sent twice, so they are joined by
// their timestamps, at a key frame.
//
// The file is not changed before the match is found, so a failed attempt leaves it unchanged, and a crash leaves a file that can
// be continued.
package download
