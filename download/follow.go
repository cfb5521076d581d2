package download

// maxDrift is the largest change of a track's time shift from one frame in the file to the next, in ms. nginx-rtmp, for example, drops
// frames when its queue is full and continues the timestamps as if they had not existed, so the track falls behind by their duration.
const maxDrift = 1000

type frames map[content][]entry

func framesOf(list []entry) frames {
	f := make(frames)
	for _, e := range list {
		f[e.content] = append(f[e.content], e)
	}
	return f
}

// follower finds the repeated frames of one track in the file, in order. Frames may be missing in the file or among the repeated frames.
type follower struct {
	frames        // only those of one track are used; they are removed when passed
	shift  uint32 // added to new times to get times of the file; from the newest frame found
	after  int64  // offset of the newest frame found; 0 if none
}

// find returns the entry in the file for a frame with content c, whose new time is at. If several entries have this content, find returns the
// entry at the expected time or, if there is none, the only entry within maxDrift of that time.
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
		if nearlyEqual(x.time, want) {
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
