package testserver

import (
	"slices"

	"github.com/go-librtmp/rtmp/flv"
)

// Shape says how recordings are sent. Its fields are ways in which servers differ from each other or from the specification. The media and
// its order are always those of the file, except that with InterleaveAV a short message overtakes a long one on another chunk stream. The
// zero value sends nothing unusual.
type Shape struct {
	AudioChunkStream uint32 // chunk stream id of audio and metadata, 4..65599; 0 means 4
	VideoChunkStream uint32 // chunk stream id of video and aggregates, 4..65599; 0 means 6

	OmitExtendedType3 bool // leave extended timestamps out of format 3 chunks, like senders that follow the text of 2009
	AbsoluteExtended  bool // send absolute times instead of deltas in extended format 1 headers, like SRS before 7.0.52
	InterleaveAV      bool // alternate the chunks of adjacent messages
	ChunkSizeEvery    int  // number of messages after which the chunk size changes, in the middle of the next long message; 0 means never
	AbortEvery        int  // number of messages after which a message is begun and aborted; 0 means never
	UnknownTypes      bool // insert messages and user control events of unknown types
	Aggregate         int  // number of tags in an aggregate message; 0 and 1 mean no aggregates

	TimestampOffset   uint32 // added to all timestamps modulo 2^32, ms
	DuplicateMetadata bool   // send metadata twice
	LateMetadata      bool   // send metadata after the first video tags
	EndSignal         EndSignal
}

// EndSignal says how the server signals the end of a recording.
type EndSignal int

const (
	EndAll             EndSignal = iota // StreamEOF, onPlayStatus NetStream.Play.Complete, NetStream.Play.Stop
	EndStop                             // onStatus NetStream.Play.Stop
	EndComplete                         // onStatus NetStream.Play.Complete
	EndUnpublishNotify                  // onStatus NetStream.Play.UnpublishNotify
	EndFCUnsubscribe                    // the call onFCUnsubscribe
	EndStreamEOF                        // the user control event StreamEOF
	EndClose                            // nothing but the end of the TCP connection
	EndNothing                          // nothing at all
)

// lateBy is the number of tags that precede late metadata.
const lateBy = 10

// arrange returns the tags of a recording in the order in which they are sent. It does not modify tags.
func (s Shape) arrange(tags []flv.Tag) []flv.Tag {
	if !s.DuplicateMetadata && !s.LateMetadata {
		return tags
	}
	var scripts, arranged []flv.Tag
	for _, tag := range tags {
		if tag.Type != flv.TagScript {
			arranged = append(arranged, tag)
			continue
		}
		copies := []flv.Tag{tag}
		if s.DuplicateMetadata {
			copies = append(copies, tag)
		}
		if s.LateMetadata && len(arranged) < lateBy {
			scripts = append(scripts, copies...)
		} else {
			arranged = append(arranged, copies...)
		}
	}
	at := min(lateBy, len(arranged))
	for i := range scripts {
		if at > 0 {
			scripts[i].Timestamp = arranged[at-1].Timestamp
		}
	}
	return slices.Insert(arranged, at, scripts...)
}

// arrangeFile does the same as arrange for an encoded FLV file.
func (s Shape) arrangeFile(file []byte) ([]byte, error) {
	if !s.DuplicateMetadata && !s.LateMetadata {
		return file, nil
	}
	tags, err := Tags(file)
	if err != nil {
		return nil, err
	}
	b := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	for _, tag := range s.arrange(tags) {
		b = flv.AppendTag(b, tag)
	}
	return b, nil
}
