// Package media puts access units into a stream and takes them out of one: what encoders make and decoders take, with the
// time as a time.Duration.
//
// # Forms
//
// H.264, H.265 and H.266 come from encoders, and go to most decoders, as NAL units with start codes, [AppendAnnexB] and [SplitAnnexB]; in
// FLV and RTMP each has its length in front instead, [AppendAVCC] and [SplitAVCC]. AV1 comes as OBUs, [SplitOBUs] and
// [AppendTemporalUnit]. AAC has ADTS headers in pipes and files .aac, [ParseADTS] and [AppendADTS], and none in RTMP. All of these work on
// buffers of the caller, and what they return are views of what they were given.
//
// github.com/bluenviron/mediacommon/v2 has the same forms, with the same [][]byte for an access unit, so that units go from here to it, or to
// gohlslib and gortsplib, as they are. This package does not use it, for three reasons: its functions make new slices for every
// unit, it refuses access units of more than 25 NAL units or 8 MiB, and its go.mod puts the modules for MP4 and MPEG-TS into the
// module graph of every program that wants RTMP alone. The bit-level parsing is in package flv, which needs it anyway.
package media
