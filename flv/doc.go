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
// All numbers are big-endian. Timestamps are in milliseconds, modulo 2^32; [Timeline] unwraps them. A
// PreviousTagSize is the length of the tag before it, header included.
//
// There is one parser, [Parser], to which bytes are pushed in pieces of any size; [Reader] pulls them from an io.Reader
// for it. [Writer] writes files, and [PutTagHeader], [PutPreviousTagSize] and [AppendTag] are for callers with buffers of
// their own. None of them allocates per tag.
//
// # Inside of a body
//
// [ParseVideoHeader] and [ParseAudioHeader] read what precedes the coded data in a message, in the form of FLV or of Enhanced
// RTMP v1 and v2, and answer the same questions for both: which codec, is it a decoder configuration, a frame, a key frame.
// [AppendVideoHeader] and [AppendAudioHeader] write it. What is not known, packet types, codecs, modifiers and layouts, is passed
// through untouched. Where to read on:
//
//   - [FourCC]: the codecs of Enhanced RTMP
//   - [VideoHeader], [AudioHeader]: the headers; [ModEx] and Tracks are what Enhanced RTMP has in common for both
//   - [VideoHeader.IsKeyFrame]: also of publishers that do not say so
//   - [AVCConfig], [HEVCConfig], [OpusHead] and so on: the decoder configuration of each codec, read and made of parameter sets or a
//     sequence header; [ChannelOrder]
//   - [ParseScript], [AppendScript], [Duration]: script data
//   - [Info]: all of that applied to a whole stream, and what it is made of
//
// # Memory
//
// Slices in what was parsed are views of the bytes that were handed in: Data of the headers and tracks, ModEx, parameter sets, OBUs and
// such. They hold as long as those bytes stay as they are, in a packet until the next ReadPacket: a configuration, which comes once, has
// to be cloned to be kept. The types with views have a method Clone for that. Nothing keeps the bytes beyond that.
// Parsing a header, asking it, walking its tracks and appending it to a buffer with room allocate nothing; nor does [Info] per
// frame. Parsers of decoder configurations and of script data do.
//
// # Hostile input
//
// Bytes may come from anywhere: nothing panics, lengths are never believed before the bytes are there, and what is wrong
// is an [*Error] that names the offset and the offending value, in script data an error of package amf.
//
// The rules are those of the Adobe Flash Video File Format Specification 10.1, annex E, cited below as FLV, and of Enhanced RTMP v2,
// cited as E-RTMP.
package flv
