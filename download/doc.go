// Package download saves RTMP streams as FLV files. It continues a file that was cut off, reconnects after a lost connection, and reports
// whether everything has arrived.
//
//	result, err := download.File(ctx, "rtmp://example.com/vod/film", "film.flv", &download.Options{Resume: true})
//
// err is nil exactly when result.Outcome is Complete.
//
// # How a file is continued
//
// To continue a file, package download asks the server to play from the last key frame of the file. Servers start there, at another key
// frame nearby, or at the beginning, and their timestamps count from the beginning of the stream or from where they start. So package
// download holds the received tags back and compares them with the end of the file, track by track, until they have passed it. Then it cuts
// the file after the last tag that both have, and appends the tags that follow it.
//
// It cuts only when the held tags can replace the part to be cut off: they extend as far in time, or are as large. Servers that send faster
// than the network may drop frames, different ones each time. Frames that only the file contains stay in it, and no frame is written twice.
// Matching pictures count only if the sound matches, too: test patterns and slides repeat themselves. If no tag matches, or too few do before
// the stream ends, the server has another recording: the error is ErrNoMatch. Of a live stream, servers repeat at most what they have sent
// since the last key frame. If nothing of that is in the file, the stream is joined at a key frame, by its timestamps or by the clock, and
// Splice.Gap is the time that is missing.
//
// The file is not changed before the match is found, so a failed attempt leaves it unchanged, and a crash leaves a file that can be
// continued. An incomplete tag at the end of the file is ignored.
package download
