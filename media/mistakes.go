package media

import "bytes"

// configHint says which fields of a Track must be set before a unit of the codec can be written.
func (c Codec) configHint() string {
	switch {
	case c == AAC:
		return "it needs a Config, or SampleRate and Channels"
	case c.setKinds() != nil:
		return "it needs a Config, ParameterSets or a key frame with parameter sets"
	}
	return "it needs a Config"
}

// checkStartCodes returns an error if a NAL unit still has its start code. No NAL unit begins with a zero byte, which would be type 0.
func checkStartCodes(t *outTrack, parts [][]byte) error {
	if !t.desc.Codec.hasNALUnits() {
		return nil
	}
	for _, part := range parts {
		if bytes.HasPrefix(part, startCode) || bytes.HasPrefix(part, []byte{0, 0, 0, 1}) {
			return t.desc.fail("NAL unit begins with a start code: SplitAnnexB removes it", nil)
		}
	}
	return nil
}

// checkPictures returns an error if a unit contains several pictures, other than the two fields of an interlaced one.
func checkPictures(t *outTrack, parts [][]byte) error {
	if t.desc.Codec != H264 && t.desc.Codec != H265 {
		return nil
	}
	most := 1
	if t.desc.interlaced {
		most = 2
	}
	bounds := pictureBounds{codec: t.desc.Codec}
	for _, part := range parts {
		if _, begins, _ := bounds.classify(part); begins {
			most--
		}
	}
	if most < 0 {
		return t.desc.fail("unit contains more than one picture: an AccessUnitScanner splits a byte stream", nil)
	}
	return nil
}

// hasADTS reports whether b consists of ADTS frames. A raw frame of AAC may begin with the sync word, but then the sizes do not match.
func hasADTS(b []byte) bool {
	for at := 0; at < len(b); {
		rest := b[at:]
		if !beginsADTS(rest) || adtsSize(rest) < adtsHeaderSize {
			return false
		}
		if at += adtsSize(rest); at == len(b) {
			return true
		}
	}
	return false
}
