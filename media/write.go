package media

import "time"

// WriteH264 writes an access unit of H.264, that is, one picture. au contains its NAL units without start codes; see [SplitAnnexB] and
// [AccessUnitScanner]. If a key frame contains a new SPS, a new configuration is written first. pts and dts differ in streams with
// B-frames.
func (w *Writer) WriteH264(track *Track, pts, dts time.Duration, au [][]byte) error {
	return w.video(track, H264, pts, dts, au)
}

// WriteH265 writes an access unit of H.265 (HEVC) like WriteH264.
func (w *Writer) WriteH265(track *Track, pts, dts time.Duration, au [][]byte) error {
	return w.video(track, H265, pts, dts, au)
}

// WriteH266 writes an access unit of H.266 (VVC) like WriteH264, but the track must have a Config.
func (w *Writer) WriteH266(track *Track, pts, dts time.Duration, au [][]byte) error {
	return w.video(track, H266, pts, dts, au)
}

// WriteAV1 writes a temporal unit of AV1. tu contains its OBUs, which may have sizes and include a temporal delimiter. If a key frame
// contains a new sequence header, a new configuration is written first.
func (w *Writer) WriteAV1(track *Track, pts time.Duration, tu [][]byte) error {
	return w.video(track, AV1, pts, pts, tu)
}

// WriteVP8 writes a frame of VP8.
func (w *Writer) WriteVP8(track *Track, pts time.Duration, frame []byte) error {
	return w.frame(track, VP8, pts, frame)
}

// WriteVP9 writes a frame, or superframe, of VP9.
func (w *Writer) WriteVP9(track *Track, pts time.Duration, frame []byte) error {
	return w.frame(track, VP9, pts, frame)
}

// WriteMPEG4Audio writes a frame of AAC without an ADTS header; see [ParseADTS] and [ADTSScanner]. The track must have a Config or, for
// AAC-LC, SampleRate and Channels.
func (w *Writer) WriteMPEG4Audio(track *Track, pts time.Duration, frame []byte) error {
	return w.frame(track, AAC, pts, frame)
}

// WriteMP3 writes a frame of MP3 including its header.
func (w *Writer) WriteMP3(track *Track, pts time.Duration, frame []byte) error {
	return w.frame(track, MP3, pts, frame)
}

// WriteOpus writes a packet of Opus. A track with more than two channels must have a Config.
func (w *Writer) WriteOpus(track *Track, pts time.Duration, packet []byte) error {
	return w.frame(track, Opus, pts, packet)
}

// WriteFLAC writes a frame of FLAC. The track must have a Config, which contains the STREAMINFO block.
func (w *Writer) WriteFLAC(track *Track, pts time.Duration, frame []byte) error {
	return w.frame(track, FLAC, pts, frame)
}

// WriteAC3 writes a syncframe of AC-3.
func (w *Writer) WriteAC3(track *Track, pts time.Duration, frame []byte) error {
	return w.frame(track, AC3, pts, frame)
}

// WriteEAC3 writes a syncframe of E-AC-3.
func (w *Writer) WriteEAC3(track *Track, pts time.Duration, frame []byte) error {
	return w.frame(track, EAC3, pts, frame)
}

// WriteG711 writes samples of G.711 at 8 kHz. The track's codec is [ALaw] or [MuLaw].
func (w *Writer) WriteG711(track *Track, pts time.Duration, samples []byte) error {
	codec := ALaw
	if track.Codec == MuLaw {
		codec = MuLaw
	}
	return w.frame(track, codec, pts, samples)
}

// WriteLPCM writes samples. Samples of 16 bits are little-endian. The sample rate must be 5512, 11025, 22050 or 44100 Hz.
func (w *Writer) WriteLPCM(track *Track, pts time.Duration, samples []byte) error {
	return w.frame(track, LPCM, pts, samples)
}

func (w *Writer) video(track *Track, codec Codec, pts, dts time.Duration, parts [][]byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writeVideo(&Unit{Track: track, PTS: pts, DTS: dts, Parts: parts}, codec, true)
}

func (w *Writer) frame(track *Track, codec Codec, pts time.Duration, frame []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.one[0] = frame
	u := Unit{Track: track, PTS: pts, DTS: pts, Parts: w.one[:]}
	defer func() { w.one[0] = nil }()
	if codec.IsVideo() {
		return w.writeVideo(&u, codec, true)
	}
	if codec == AAC && hasADTS(frame) {
		return track.fail("frame has an ADTS header: ParseADTS or an ADTSScanner removes it", nil)
	}
	return w.writeAudio(&u, codec)
}
