package download

import (
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
)

// rtmpdumpFlags returns what RTMPDump announces in the header of a file that begins with tags, in which h was found: up to the first tag whose
// timestamp is not 0, also if that is metadata, and what metadata names if it is an object. RTMPDump does not look into ECMA arrays. If playing
// does not start at 0, it announces nothing.
func rtmpdumpFlags(h flv.FileHeader, start time.Duration, tags []flv.Tag) flv.FileHeader {
	if start > 0 {
		return flv.FileHeader{}
	}
	for _, t := range tags {
		if t.Type == flv.TagScript {
			_, values, _ := flv.ParseScript(t.Body)
			h.HasAudio = h.HasAudio || names(values, "audio")
			h.HasVideo = h.HasVideo || names(values, "video")
		}
	}
	return h
}

// names reports whether objects among values, or in these objects, have a property whose name begins with prefix and is longer.
func names(values []any, prefix string) bool {
	for _, v := range values {
		o, _ := v.(amf.Object)
		for _, p := range o {
			if strings.HasPrefix(p.Name, prefix) && p.Name != prefix || names([]any{p.Value}, prefix) {
				return true
			}
		}
	}
	return false
}
