// Package flv reads and writes FLV, the file format whose tags are RTMP's audio, video and data messages byte for byte.
//
//	file    +--------+-------------------+-----+-------------------+-----+-------------------+ ...
//	        | header | PreviousTagSize 0 | tag | PreviousTagSize 1 | tag | PreviousTagSize 2 |
//	        | 9      | 4                 |     | 4                 |     | 4                 |
//	        +--------+-------------------+-----+-------------------+-----+-------------------+ ...
//
//	tag     +-----------------------+------+-----------+----------------+-----------+------+
//	        | 00 | filter 1 | type 5| size | timestamp | timestamp high | stream id | body |
//	        | 1                     | 3    | 3         | 1              | 3 (zero)  | size |
//	        +-----------------------+------+-----------+----------------+-----------+------+
//
// All numbers are big-endian. Timestamps are in milliseconds, modulo 2^32; [Timeline] unwraps them. A PreviousTagSize is the length of the
// tag before it, header included.
//
// [Parser] accepts bytes in pieces of any size; [Reader] reads them from an io.Reader. [Writer] writes files, and [PutTagHeader],
// [PutPreviousTagSize] and [AppendTag] write to the caller's buffers. None of them allocates per tag.
//
// # Message bodies
//
// [ParseVideoHeader] and [ParseAudioHeader] parse the beginning of a message, in the form of FLV or of Enhanced RTMP v1 and v2, and answer
// the same questions for both: which codec is it, and is it a decoder configuration, a frame or a key frame? [AppendVideoHeader] and
// [AppendAudioHeader] write that part. Unknown packet types, codecs, modifiers and layouts are passed through. See also:
//
//   - [FourCC]: the codecs of Enhanced RTMP
//   - [VideoHeader], [AudioHeader]: the headers; both have [ModEx] and Tracks for the extensions of Enhanced RTMP
//   - [VideoHeader.IsKeyFrame]: works even if the publisher does not mark key frames
//   - [AVCConfig], [HEVCConfig], [OpusHead] and so on: the decoder configuration of each codec, parsed, and made from parameter sets or a
//     sequence header; [ChannelOrder]
//   - [ParseScript], [AppendScript], [Duration]: script data
//   - [Info]: summarizes a whole stream
//   - [Headers], [KindOf]: which tags a player needs first, and which may be dropped
//
// # Memory
//
// Slices in parsed values are views of the bytes that were passed in, and valid as long as those are: for a packet until the next
// ReadPacket. Types with views have a method Clone that returns a copy to keep. Parsing a header, calling its methods, iterating over its
// tracks, appending it to a buffer with enough room, and [Info] allocate nothing per frame. The parsers of decoder configurations and of
// script data allocate.
//
// # Hostile input
//
// No input causes a panic, and no length is trusted before that many bytes have arrived. Errors are of type [*Error], with the offset and
// the offending value, or for script data errors of package amf.
//
// The rules are those of the Adobe Flash Video File Format Specification 10.1, annex E, cited below as FLV, and of Enhanced RTMP v2,
// cited as E-RTMP.
package flv
