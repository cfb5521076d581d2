package flv

// maxPrelude is how many bytes of tags wait at most for the file header to be known.
const maxPrelude = 128 << 10

// Prelude finds out what the header of an FLV file has to announce, from the tags that come first. Whoever writes the file holds
// them back until that is known. The zero value has seen none.
type Prelude struct {
	header FileHeader
	size   int // bytes of tags
}

// Add takes note of the next tag, whose body has size bytes, and reports whether the header is known: audio and video have both
// come, or time has begun to run without one of them, or more than 128 KiB of tags have come. The time of script data means nothing.
func (p *Prelude) Add(t TagType, timestamp uint32, size int) (known bool) {
	media := t == TagAudio || t == TagVideo
	p.header.HasAudio = p.header.HasAudio || t == TagAudio
	p.header.HasVideo = p.header.HasVideo || t == TagVideo
	p.size += size + TagOverhead
	long := p.size > maxPrelude
	if long && p.header == (FileHeader{}) { // nothing is known, and players look for what is announced
		p.header = FileHeader{HasAudio: true, HasVideo: true}
	}
	return p.header.HasAudio && p.header.HasVideo || media && timestamp != 0 || long
}

// Header returns the header as far as it is known.
func (p *Prelude) Header() FileHeader { return p.header }
