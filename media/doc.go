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
// [NewFileWriter]). This package does not depend on connections. Many names are those of gortmplib. In gortmplib, a track has a Codec that
// contains the configuration, and a callback that receives its units. In this package, Track itself contains the configuration, and Read
// returns the units of all tracks in order.
//
// # Configurations
//
// A decoder can't begin without a configuration, so a [Writer] writes it before the units. It is the Track's Config, or is made from the
// Track's ParameterSets or from the first key frame that contains parameter sets. When the Track or a key frame has a different
// configuration, the Writer writes that one. A [Reader] keeps its Tracks up to date: Unit.Changed is set in the first unit of each track,
// and in the first unit after each change. The pointers to Tracks stay the same, so a Reader's tracks can be passed to a Writer, and its
// units to [Writer.WriteUnit].
//
// # Headers
//
// H.264, AAC and MP3 are written with the headers of FLV, which every server understands. So are G.711 and LPCM, for which Enhanced RTMP
// has no name. Other codecs, and all tracks except the first video track and the first audio track, have the headers of Enhanced RTMP.
// Writer.Headers and Writer.Accepts change this choice.
//
// # Times
//
// The timestamps of a stream are 32-bit numbers of milliseconds. A Writer rounds times to milliseconds, and a Reader returns times that
// continue beyond 2^32 ms. A Reader does not shift times. If a stream begins before 0, a Writer shifts it so that it begins at 0. Times
// must not jump by more than 24 days, since such a jump could not be distinguished from one in the opposite direction.
//
// # Formats
//
// Encoders produce H.264, H.265 and H.266 as NAL units with start codes, and most decoders expect this format; see [AppendAnnexB] and
// [SplitAnnexB]. In FLV and RTMP each NAL unit comes after its length instead; see [AppendAVCC] and [SplitAVCC]. AV1 consists of OBUs; see
// [SplitOBUs] and [AppendTemporalUnit]. AAC has ADTS headers in pipes and .aac files, but not in RTMP; see [ParseADTS] and [AppendADTS]. The
// functions that append use the caller's buffers. The functions that split return slices of their input.
//
// All of these functions expect whole units. To split the bytes of a pipe or file into units, use an [AccessUnitScanner] for H.264 and
// H.265, and an [ADTSScanner] for AAC.
//
// github.com/bluenviron/mediacommon/v2 handles the same formats and also uses [][]byte for an access unit, so units can be passed to it, and
// to gohlslib and gortsplib, unchanged. This package does not use mediacommon itself. The functions of mediacommon allocate for every unit
// and reject access units of more than 25 NAL units or 8 MiB, and its go.mod would add the modules for MP4 and MPEG-TS to the module graph
// of programs that use only RTMP.
package media
