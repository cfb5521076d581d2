// Package flv reads and writes FLV, the file format whose tags are RTMP's audio, video and data messages byte for byte.
//
//	file    +--------+-----------------+-----+------------------+-----+------------------+ ...
//	        | header | back pointer  0 | tag | back pointer     | tag | back pointer     |
//	        | 9      | 4               |     | 4                |     | 4                |
//	        +--------+-----------------+-----+------------------+-----+------------------+ ...
//
//	tag     +-----------------------+------+-----------+----------------+-----------+------+
//	        | 00 | filter 1 | type 5| size | timestamp | timestamp high | stream id | body |
//	        | 1                     | 3    | 3         | 1              | 3 (zero)  | size |
//	        +-----------------------+------+-----------+----------------+-----------+------+
//
// All numbers are big-endian. Timestamps are in milliseconds, modulo 2^32; [Timeline] unrolls them. A back pointer
// (PreviousTagSize in the specification) is the length of the tag in front of it, header included.
//
// There is one parser, [Parser], to which bytes are pushed in pieces of any size; [Reader] pulls them from an io.Reader
// for it. [Writer] writes files, and [PutTagHeader], [PutBackPointer] and [AppendTag] are for callers with buffers of
// their own. None of them allocates per tag.
//
// What is inside a tag's body is read by [ParseVideoHeader], [ParseAudioHeader], [ParseAVCConfig],
// [ParseAudioSpecificConfig] and [ParseScript]. [Info] applies them to a whole stream and says what it is made of.
//
// # Hostile input
//
// Bytes may come from anywhere: nothing panics, lengths are never believed before the bytes are there, and what is wrong
// is an [*Error] that names the offset and the offending value.
//
// The rules are those of the Adobe Flash Video File Format Specification 10.1, annex E, cited below as FLV.
package flv
