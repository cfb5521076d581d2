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
// from the last key frame before them. Servers start there, at another key frame near by, or at the beginning; their
// timestamps count from the beginning of the stream, or from where they start. Package download relies on neither: it
// holds back what arrives and compares it with the end of the file, track by track, until it has gone past the end.
// Then it cuts the file after the last tag that is the same in both, and appends what was held. It does so only when
// what was held reaches as far in time as what is cut off, or is as large. Servers that send faster than the network
// may drop frames, and different ones each time: frames that only the file has stay in it, and no frame is written
// twice. If nothing is the same, or too little when the stream ends, the server has another recording: the file stays
// unchanged, and the error is ErrNoMatch. Only live streams, which are never sent twice, are joined by their
// timestamps, at a key frame.
//
// The file is changed only then, so an attempt that fails leaves it unchanged, and a crash leaves a file that can
// be continued.
package download
