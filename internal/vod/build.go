package vod

import (
	"context"
	"io"
	"math"

	"github.com/go-librtmp/rtmp/flv"
)

// maxMetadata is the size in bytes of the largest metadata that is searched for a list of key frames. A list contains 18 bytes for each key
// frame, so with one key frame per second this is enough for 100 hours.
const maxMetadata = 8 << 20

// buildIndex makes the index of a file. If trust is true, it uses the list of key frames in the metadata, after checking a few of them. The
// error is ErrNotFLV, the error of ctx, or that of the file.
func buildIndex(ctx context.Context, file io.ReaderAt, size int64, trust bool) (*index, error) {
	s, err := newScanner(file, size)
	if err != nil {
		return nil, err
	}
	x := newIndex(s.pos)
	if trust {
		x.takeOver(s)
	}
	return x, x.scan(ctx, s)
}

// takeOver adds the beginning of the file. If the metadata contains a list of key frames that seems correct, takeOver also adds these key
// frames, and moves the scanner to the last of them.
func (x *index) takeOver(s *scanner) {
	const most = 1 << 10 // maximum number of tags before the first key frame
	var h head
	var list []entry
	looked := false
	for n := 0; n < most && s.next(&h); n++ {
		switch kind := x.add(&h); {
		case kind == flv.KindHeader:
			if h.Type == flv.TagScript && !looked {
				list, looked = readKeyFrames(s.file, &h), true
			}
		case list == nil:
			return
		case kind == flv.KindKeyFrame:
			if list = after(h.at, list); !probe(s.file, s.size, list) {
				return
			}
			for _, e := range list {
				x.now = e.time
				x.line.Set(e.time)
				x.addEntry(e.at)
			}
			x.last = max(x.last, x.now)
			s.pos = list[len(list)-1].at
			return
		}
	}
}

// after returns the entries of list whose position is greater than at.
func after(at int64, list []entry) []entry {
	for len(list) > 0 && list[0].at <= at {
		list = list[1:]
	}
	return list
}

// probe reports whether list is in order, and whether the file has key frames at the positions and times of the first entry, the last one
// and some in between.
func probe(file io.ReaderAt, size int64, list []entry) bool {
	const probes = 8
	for i := range list {
		if i > 0 && (list[i].at <= list[i-1].at || list[i].time < list[i-1].time) {
			return false
		}
	}
	for n := range probes {
		if len(list) == 0 || list[n*(len(list)-1)/(probes-1)].check(file, size) != nil {
			return false
		}
	}
	return true
}

// readKeyFrames returns the list of key frames in a metadata tag, or nil if there is none. The list is an object
// named keyframes with two arrays: filepositions in bytes, and times in seconds.
func readKeyFrames(file io.ReaderAt, h *head) []entry {
	if h.size > maxMetadata {
		return nil
	}
	body := make([]byte, h.size)
	if _, err := file.ReadAt(body, h.at+flv.TagHeaderSize); err != nil {
		return nil
	}
	_, values, err := flv.ParseScript(body)
	if err != nil || len(values) == 0 {
		return nil
	}
	lists := property(values[0], "keyframes")
	positions, _ := property(lists, "filepositions").([]any)
	times, _ := property(lists, "times").([]any)
	if len(positions) != len(times) {
		return nil
	}
	var list []entry
	for i := range positions {
		at, ok1 := positions[i].(float64)
		seconds, ok2 := times[i].(float64)
		if !ok1 || !ok2 || !(at >= 0 && at < 1<<53) || !(seconds >= 0 && seconds < 1<<40) {
			return nil
		}
		list = append(list, entry{at: int64(at), time: int64(math.Round(seconds * 1000))})
	}
	return list
}
