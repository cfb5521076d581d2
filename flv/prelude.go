package flv

// maxPrelude is how many bytes of tags may be held back until the content of the file header is known.
const maxPrelude = 128 << 10

// Prelude determines from the first tags what the header of an FLV file should announce. The program that writes the file holds the tags
// back until then. The zero value is ready to use.
type Prelude struct {
	header FileHeader
	size   int // bytes of tags
}

// Add considers the next tag, whose body has size bytes, and reports whether the header is known. The header is known when both audio and
// video have arrived, when the timestamps show that the stream has only audio or only video, or after 128 KiB of tags. The timestamps of
// script data are ignored.
func (p *Prelude) Add(t TagType, timestamp uint32, size int) (known bool) {
	media := t == TagAudio || t == TagVideo
	p.header.HasAudio = p.header.HasAudio || t == TagAudio
	p.header.HasVideo = p.header.HasVideo || t == TagVideo
	p.size += size + TagOverhead
	long := p.size > maxPrelude
	if long && p.header == (FileHeader{}) { // still unknown: announce both, since players look only for what is announced
		p.header = FileHeader{HasAudio: true, HasVideo: true}
	}
	return p.header.HasAudio && p.header.HasVideo || media && timestamp != 0 || long
}

// Header returns the header so far.
func (p *Prelude) Header() FileHeader { return p.header }
