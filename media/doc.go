// Package media writes the output of encoders to a stream, and reads the input of decoders from a stream, in access units. Times are of
// type time.Duration.
//
//	video, audio := &media.Track{Codec: media.H264}, &media.Track{Codec: media.AAC, SampleRate: 48000, Channels: 2}
//	w := media.NewWriter(stream, video, audio)
//	err := w.WriteH264(video, pts, dts, nalus)             // also writes metadata, configurations and headers
//
//	r := media.NewReader(stream)
//	tracks, err := r.Tracks(ctx)                           // codec, size, rate, channels, configuration
//	for err = r.Read(&unit); err == nil; err = r.Read(&unit) {
//		decode(unit.Track, unit.PTS, unit.Parts)
//	}
//
// A stream is any value with a method ReadPacket or WritePacket, such as a Stream of package rtmp, or a file (see [NewFileReader] and
// [NewFileWriter]). Many names are those of gortmplib, but a Track contains its configuration itself, and Read returns the units of all
// tracks in order instead of calling a function of each track.
//
// # Configurations
//
// A decoder can't begin without a configuration, so a [Writer] writes it before the units: the Track's Config, or one made from the Track's
// ParameterSets or from the first key frame that contains parameter sets. If the configuration in the Track or in a key frame changes, the
// Writer writes the new one. A [Reader] updates its Tracks, and sets Unit.Changed in the first unit of each track and in the first unit
// after each change. The pointers to Tracks stay the same, so a Reader's tracks can be passed to a Writer, and its units to
// [Writer.WriteUnit].
//
// # Headers
//
// H.264, AAC and MP3 are written with the headers of FLV, which every server understands, and so are G.711 and LPCM, which Enhanced RTMP
// lacks. Other codecs, and all tracks except the first video track and the first audio track, have the headers of Enhanced RTMP.
// Writer.Headers and Writer.Accepts change this choice.
//
// # Times
//
// A Writer rounds times to milliseconds. Times that a Reader returns continue beyond the 2^32 ms at which timestamps wrap around. If a
// stream begins before 0, a Writer shifts it so that it begins at 0; a Reader does not shift times. Times must not jump by more than 24
// days, since such a jump could not be distinguished from one in the opposite direction.
//
// # Formats
//
// Encoders produce H.264, H.265 and H.266 as NAL units with start codes, and most decoders expect this format; see [AppendAnnexB] and
// [SplitAnnexB]. In FLV and RTMP each NAL unit comes after its length instead; see [AppendAVCC] and [SplitAVCC]. AV1 consists of OBUs; see
// [SplitOBUs] and [AppendTemporalUnit]. AAC has ADTS headers in pipes and .aac files, but not in RTMP; see [ParseADTS] and [AppendADTS].
//
// All of these functions expect whole units. To split the bytes of a pipe or file into units, use an [AccessUnitScanner] for H.264 and
// H.265, and an [ADTSScanner] for AAC.
//
// github.com/bluenviron/mediacommon/v2 also uses [][]byte for an access unit, so units can be passed to it, gohlslib and gortsplib
// unchanged. This package does not use it, since it allocates for every unit, rejects access units of more than 25 NAL units, and would add
// modules for MP4 and MPEG-TS to every program's module graph.
package media
