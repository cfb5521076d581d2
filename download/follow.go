package download

// maxDrift is by how much the time of a track may change from one frame that the file has to the next, ms. Servers that drop
// frames because their queue is full, as nginx-rtmp does, count the others' times on as if those had not been: each track is
// late by all that it has lost.
const maxDrift = 1000

// frames are the frames of a part of a file by what is in them, in the order of the file.
type frames map[content][]entry

func framesOf(list []entry) frames {
	f := make(frames)
	for _, e := range list {
		f[e.content] = append(f[e.content], e)
	}
	return f
}

// follower finds the frames of one track in the file as they come again: in the order of the file, however many of them the
// server has dropped this time or the last.
type follower struct {
	frames        // those of one track are used, and lost as they are passed
	shift  uint32 // from the new times to those of the file, as of the newest frame that was found
	after  int64  // its offset, 0 before there is one
}

// find returns the place of a frame in the file. Where the same content is at several places only that counts which is where
// it is expected.
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
