// Package media puts access units into a stream and takes them out of one: what encoders make and decoders take, with the
// time as a time.Duration.
//
//	video, audio := &media.Track{Codec: media.H264}, &media.Track{Codec: media.AAC, SampleRate: 48000, Channels: 2}
//	w := media.NewWriter(stream, video, audio)
//	err := w.WriteH264(video, pts, dts, nalus)             // metadata, configurations and headers are made of that
//
//	r := media.NewReader(stream)
//	tracks, err := r.Tracks(ctx)                           // codec, size, rate, channels, configuration
//	for err = r.Read(&unit); err == nil; err = r.Read(&unit) {
//		decode(unit.Track, unit.PTS, unit.Parts)
//	}
//
// A stream is anything with the method ReadPacket or WritePacket, as a Stream of package rtmp has it, or a file: [NewFileReader],
// [NewFileWriter]. This package knows nothing of connections. Users of gortmplib find its names where they can be the same: there a
// track has a Codec with the configuration in it and a callback for its units, here Track has all of that in itself, and Read returns the
// units of all tracks in their order.
//
// # Configurations
//
// A decoder cannot begin without a configuration, so a [Writer] writes it before the units: the Track's Config, or one made of
// ParameterSets, or of the first key frame that has them. It is written again when the Track or a key frame has another one. A [Reader]
// keeps a Track up to date: the first unit of each track, and the first after each change, has Unit.Changed set.
// Both ways a Track is a pointer that stays the same, so that a Reader's tracks can be given to a Writer, and its units to
// [Writer.WriteUnit].
//
// # Headers
//
// H.264, AAC and MP3 are written with the headers of FLV, which every server understands, and so is what FLV alone has: G.711 and LPCM. Other
// codecs, and all tracks but the first of their kind, have the headers of Enhanced RTMP. Writer.Headers and Writer.Accepts are for
// servers that want it otherwise.
//
// # Times
//
// A stream's timestamps are milliseconds, 32 bits of them: a Writer rounds, and a Reader goes on past 2^32 ms. A Reader leaves times as they
// are; a Writer moves a stream that begins before 0 to 0. Steps of more than 24 days cannot be told from steps back.
//
// # Forms
//
// H.264, H.265 and H.266 come from encoders, and go to most decoders, as NAL units with start codes, [AppendAnnexB] and [SplitAnnexB]; in
// FLV and RTMP each has its length in front instead, [AppendAVCC] and [SplitAVCC]. AV1 comes as OBUs, [SplitOBUs] and
// [AppendTemporalUnit]. AAC has ADTS headers in pipes and files .aac, [ParseADTS] and [AppendADTS], and none in RTMP. All of these work on
// buffers of the caller, and what they return are views of what they were given.
//
// They take whole units. What comes from a pipe or file is first divided into units by an [AccessUnitScanner], of H.264 and H.265, or an
// [ADTSScanner].
//
// github.com/bluenviron/mediacommon/v2 has the same forms, with the same [][]byte for an access unit, so that units go from here to it, or to
// gohlslib and gortsplib, as they are. This package does not use it, for three reasons: its functions make new slices for every
// unit, it refuses access units of more than 25 NAL units or 8 MiB, and its go.mod puts the modules for MP4 and MPEG-TS into the
// module graph of every program that wants RTMP alone. The bit-level parsing is in package flv, which needs it anyway.
package media
