package testserver

import (
	"bytes"
	"io"

	"github.com/go-librtmp/rtmp/flv"
)

// Tags parses an FLV file. The bodies of the tags are copies.
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
