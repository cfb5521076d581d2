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
	key, first := -1, len(tags)
	for i, tag := range tags {
		if tag.Timestamp >= ms && first == len(tags) {
			first = i
		}
		if tag.Type != flv.TagVideo || tag.Timestamp > ms {
			continue
		}
		if h, err := flv.ParseVideoHeader(tag.Body); err == nil && h.IsKeyFrame() && h.IsFrame() {
			key = i
		}
	}
	if key >= 0 {
		return key
	}
	return first
}

// isSequenceHeader reports whether a decoder needs this tag before any other of its kind.
func isSequenceHeader(tag flv.Tag) bool {
	switch tag.Type {
	case flv.TagVideo:
		h, err := flv.ParseVideoHeader(tag.Body)
		return err == nil && h.IsSequenceHeader()
	case flv.TagAudio:
		h, err := flv.ParseAudioHeader(tag.Body)
		return err == nil && h.IsSequenceHeader()
	}
	return false
}
