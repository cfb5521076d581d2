package flv

// maxPrelude is how many bytes of tags may be held back until the content of the file header is known.
const maxPrelude = 128 << 10

// Prelude determines from the first tags what the header of an FLV file should announce. The program that writes the file holds the tags
// back until then. The zero value is ready to use.
type Prelude struct {
	header FileHeader
	size   int // bytes of tags
}

// Add considers the next tag, and reports whether the header is known. size is the size of its body in bytes, of which t.Body must contain
// the first 64. The header is known when both audio and video have arrived, when a frame has a timestamp other than 0, so that the stream
// probably has nothing else, or after 128 KiB of tags. Configurations do not count as frames: in the middle of a live stream, those of audio
// and video come first.
func (p *Prelude) Add(t Tag, size int) (known bool) {
	media := t.Type == TagAudio || t.Type == TagVideo
	p.header.HasAudio = p.header.HasAudio || t.Type == TagAudio
	p.header.HasVideo = p.header.HasVideo || t.Type == TagVideo
	p.size += size + TagOverhead
	long := p.size > maxPrelude
	if long && p.header == (FileHeader{}) { // still unknown: announce both, since players look only for what is announced
		p.header = FileHeader{HasAudio: true, HasVideo: true}
	}
	return p.header.HasAudio && p.header.HasVideo || media && t.Timestamp != 0 && !IsHeader(t) || long
}

// Header returns the header so far.
func (p *Prelude) Header() FileHeader { return p.header }
