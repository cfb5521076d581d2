// Package download saves RTMP streams as FLV files that grow until they are complete: a download that was cut off is
// continued, a connection that is lost is made again, and the outcome says whether everything is there.
//
//	result, err := download.File(ctx, "rtmp://example.com/vod/film", "film.flv", &download.Options{Resume: true})
//
// err is nil exactly when result.Outcome is Complete.
//
// # How a file is continued
//
// Where a file ends in the middle of a tag, or in bytes that are no tag, the end is ignored. The server is asked to play
// from the last key frame before it. Servers start there, at another key frame near by, or at the beginning; their
// timestamps count from the beginning of the stream, or from where they start. So nothing of that is believed: what
// arrives is held back and compared with the end of the file, track by track, until it has gone beyond. Then the file is
// cut after the last tag that is the same, and goes on with what was held: not before that goes as far in time as what is
// cut off, or is as much. Servers that send faster than the network takes it may drop frames, others each time: what only
// the file has stays, and no frame is written twice. If nothing is the same, or too little when the server has said the
// end, it is another recording: the file stays as it is, and the error is ErrNoMatch. Only live streams, of which nothing
// comes twice, are joined by their timestamps, at a key frame.
//
// The file is changed only then, so an attempt that fails leaves it as it was, and a crash leaves a file that can be
// continued.
package download
