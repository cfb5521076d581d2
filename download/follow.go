package download

// maxDrift is the largest change of a track's time shift from one frame in the file to the next, in ms. Servers that drop frames because
// their queue is full, as nginx-rtmp does, continue the timestamps as if the dropped frames had not existed. So each track falls behind by
// the duration of its dropped frames.
const maxDrift = 1000

// frames contains the frames of a part of a file, by content, in the order of the file.
type frames map[content][]entry

func framesOf(list []entry) frames {
	f := make(frames)
	for _, e := range list {
		f[e.content] = append(f[e.content], e)
	}
	return f
}

// follower finds the repeated frames of one track in the file, in the order of the file. Any number of frames may be missing in the file or
// among the repeated frames.
type follower struct {
	frames        // only those of one track are used; they are removed when passed
	shift  uint32 // added to new times to get those of the file, for the newest frame found
	after  int64  // offset of the newest frame found; 0 if none
}

// find returns the place of a frame in the file. If several places have the same content, find returns the one at the expected time.
func (f *follower) find(c content, at uint32) (e entry, ok bool) {
	list := f.frames[c]
	if len(list) == 0 {
		return entry{}, false
	}
	for len(list) > 0 && list[0].offset <= f.after {
		list = list[1:]
	}
	f.frames[c] = list
	want, n := at+f.shift, 0
	for _, x := range list {
		d := int32(x.time - want)
		if d > maxDrift {
			break
		}
		if near(x.time, want) {
			e, n = x, 1
			break
		}
		if d >= -maxDrift {
			e = x
			n++
		}
	}
	if n != 1 {
		return entry{}, false
	}
	f.shift, f.after = e.time-at, e.offset
	return e, true
}
