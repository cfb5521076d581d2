package testserver

import (
	"bytes"
	"io"

	"github.com/go-librtmp/rtmp/flv"
)

// Tags takes an FLV file apart. The bodies are copies.
func Tags(file []byte) ([]flv.Tag, error) {
	r := flv.NewReader(bytes.NewReader(file))
	var tags []flv.Tag
	for {
		var tag flv.Tag
		err := r.Next(&tag)
		if err == io.EOF {
			return tags, nil
		}
		if err != nil {
			return tags, err
		}
		tag.Body = bytes.Clone(tag.Body)
		tags = append(tags, tag)
	}
}

// keyFrameBefore is the index of the last video key frame that starts at or before ms, for recordings without video the
// index of the first tag at or after it.
func keyFrameBefore(tags []flv.Tag, ms uint32) int {
	key := -1
	for i, tag := range tags {
		if kind, _ := flv.KindOf(tag); kind == flv.KindKeyFrame && tag.Timestamp <= ms {
			key = i
		}
	}
	if key >= 0 {
		return key
	}
	return tagAt(tags, ms)
}

// tagAt is the index of the first tag at or after ms.
func tagAt(tags []flv.Tag, ms uint32) int {
	for i, tag := range tags {
		if tag.Timestamp >= ms {
			return i
		}
	}
	return len(tags)
}

// frameAfter is the index after the first picture from next on; without pictures, after the next tag.
func frameAfter(tags []flv.Tag, next int) int {
	for i := next; i < len(tags); i++ {
		if h, err := flv.ParseVideoHeader(tags[i].Body); tags[i].Type == flv.TagVideo && err == nil && h.IsFrame() {
			return i + 1
		}
	}
	return min(next+1, len(tags))
}
