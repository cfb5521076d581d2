package vod

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
)

// WriteTag writes one tag.
func (r *Recorder) WriteTag(t flv.Tag) error { return r.Write(Recorded{Tag: t}) }

// record writes tags to a file, and returns the tags in the file.
func record(t testing.TB, f *Folder, dir, name string, o RecordOptions, tags ...flv.Tag) []byte {
	t.Helper()
	r, err := f.Record(name, o)
	require.NoError(t, err)
	for _, tag := range tags {
		require.NoError(t, r.WriteTag(tag))
	}
	require.NoError(t, r.Close())
	content, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return content
}

// metadata returns the properties of a tag with metadata.
func metadata(t testing.TB, tag flv.Tag) amf.ECMAArray {
	t.Helper()
	name, values, err := flv.ParseScript(tag.Body)
	require.NoError(t, err)
	require.Equal(t, "onMetaData", name)
	return values[0].(amf.ECMAArray)
}

// requireTotals checks the flags and the metadata, which must be the first tag, of a file that was closed.
func requireTotals(t testing.TB, file []byte, tags []flv.Tag) {
	t.Helper()
	var last uint32
	var has flv.FileHeader
	for _, tag := range tags {
		last = max(last, tag.Timestamp)
		has.HasAudio = has.HasAudio || tag.Type == flv.TagAudio
		has.HasVideo = has.HasVideo || tag.Type == flv.TagVideo
	}
	seconds := float64(last) / 1000
	m := metadata(t, tags[0])
	require.Equal(t, amf.ECMAArray{{Name: "duration", Value: seconds}, {Name: "filesize", Value: float64(len(file))}, {Name: "lasttimestamp", Value: seconds}}, m[:3])
	h, _, err := flv.ParseFileHeader(file)
	require.NoError(t, err)
	require.False(t, has.HasAudio && !h.HasAudio || has.HasVideo && !h.HasVideo) // the flags may include a tag that was removed later
}

// requireSame is like require.Equal, for tags that are too large to be printed.
func requireSame(t testing.TB, want, got []flv.Tag) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		same := want[i].Type == got[i].Type && want[i].Timestamp == got[i].Timestamp && bytes.Equal(want[i].Body, got[i].Body)
		require.True(t, same, "tag %d at %d ms of %d bytes is one at %d ms of %d bytes", i, want[i].Timestamp, len(want[i].Body), got[i].Timestamp, len(got[i].Body))
	}
}

func at(t flv.Tag, ms uint32) flv.Tag {
	t.Timestamp = ms
	return t
}

func TestRecord(t *testing.T) {
	f, dir := newFolder(t, nil)
	sent := script(t, "onMetaData", amf.ECMAArray{{Name: "width", Value: 320.0}, {Name: "duration", Value: 99.0}, {Name: "keyframes", Value: amf.Object{}}, {Name: "encoder", Value: "x"}})
	file := record(t, f, dir, "live/room/a.flv", RecordOptions{},
		at(avc(1), 9), sent, aac(1), // headers may come in any order and with any timestamp
		sound(5_000_020), key(5_000_000), inter(5_000_040), flv.Tag{Type: 15, Body: []byte{0}}, avc(2), sound(5_000_060), flv.Tag{Type: flv.TagVideo, Timestamp: 5_000_080})
	tags := tagsOf(t, file)
	requireTotals(t, file, tags)
	require.Equal(t, byte(5), file[4])
	require.Equal(t, amf.ECMAArray{{Name: "width", Value: 320.0}, {Name: "encoder", Value: "x"}}, metadata(t, tags[0])[3:])
	require.Equal(t, []flv.Tag{avc(1), aac(1), sound(0), key(0), inter(20), at(avc(2), 20), sound(40), {Type: flv.TagVideo, Timestamp: 60, Body: []byte{}}}, tags[1:])

	again := record(t, f, dir, "live/room/a.flv", RecordOptions{}, sound(7)) // replaces the file
	tags = tagsOf(t, again)
	requireTotals(t, again, tags)
	require.Equal(t, byte(4), again[4], "audio alone")
	require.Equal(t, []flv.Tag{sound(0)}, tags[1:])

	require.Equal(t, byte(1), record(t, f, dir, "b.flv", RecordOptions{}, key(0))[4], "video alone")
}

// TestNothingRecorded checks that a publisher that sends no media leaves the folder as it was, and that no file is reported.
func TestNothingRecorded(t *testing.T) {
	recorded := fileOf(key(0), inter(40))
	next := func(time.Time) string { return "new.flv" }
	for name, o := range map[string]RecordOptions{"old.flv": {}, "none.flv": {}, "append.flv": {Append: true}, "new.flv": {Next: next}} {
		t.Run(name, func(t *testing.T) {
			f, dir := newFolder(t, map[string][]byte{"old.flv": recorded})
			f.usage.total(f.root)
			o.Done = func(name string, err error) { assert.Fail(t, "a file is reported", "%s %v", name, err) }
			r, err := f.Record(name, o)
			require.NoError(t, err)
			require.NoError(t, r.WriteTag(script(t, "onMetaData", amf.ECMAArray{})))
			require.NoError(t, r.WriteTag(avc(1)))
			_, err = f.Record(name, RecordOptions{})
			require.ErrorIs(t, err, ErrBusy)
			got, err := os.ReadFile(filepath.Join(dir, "old.flv"))
			require.NoError(t, err)
			assert.Equal(t, recorded, got)
			tags, _ := drain(t, play(t, f, "old.flv", all))
			assert.Len(t, tags, 2, "a player does not wait for more")
			require.NoError(t, r.Close())

			got, err = os.ReadFile(filepath.Join(dir, "old.flv"))
			require.NoError(t, err)
			assert.Equal(t, recorded, got)
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			assert.Len(t, files, 1)
			assert.EqualValues(t, len(recorded), f.usage.total(f.root))
			record(t, f, dir, name, RecordOptions{}, key(0)) // nothing is busy
		})
	}
}

// requireNamed checks that the file that r is writing has its name.
func requireNamed(t testing.TB, r *Recorder) {
	t.Helper()
	file, err := r.out.file.Stat()
	require.NoError(t, err)
	named, err := r.folder.root.Stat(r.out.name)
	require.NoError(t, err)
	require.True(t, os.SameFile(file, named), "another file has the name")
}

// TestNothingRecordedBesides checks that a recording keeps its name although others of the same name begin and end without media.
func TestNothingRecordedBesides(t *testing.T) {
	f, dir := newFolder(t, nil)
	for range 1000 {
		var others sync.WaitGroup
		for range 7 {
			others.Go(func() {
				if r, err := f.Record("a.flv", RecordOptions{}); err == nil {
					assert.NoError(t, r.Close())
				} else {
					assert.ErrorIs(t, err, ErrBusy)
				}
			})
		}
		r, err := f.Record("a.flv", RecordOptions{})
		for errors.Is(err, ErrBusy) {
			runtime.Gosched()
			r, err = f.Record("a.flv", RecordOptions{})
		}
		require.NoError(t, err)
		require.NoError(t, r.WriteTag(key(0)))
		requireNamed(t, r)
		others.Wait()
		requireNamed(t, r)
		require.NoError(t, r.Close())
		require.NoError(t, os.Remove(filepath.Join(dir, "a.flv")))
	}
}

// TestNameOfAnotherRecording checks that a recording neither replaces nor removes a file that has got its name before its first media.
func TestNameOfAnotherRecording(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file can't be moved")
	}
	recorded := fileOf(key(0), inter(40))
	for name, media := range map[string]bool{"with media": true, "without media": false} {
		for state, files := range map[string]map[string][]byte{"old": {"a.flv": recorded}, "new": nil} {
			if state == "new" && media {
				continue // the file is the recording already
			}
			t.Run(state+" "+name, func(t *testing.T) {
				f, dir := newFolder(t, files)
				r, err := f.Record("a.flv", RecordOptions{})
				require.NoError(t, err)
				require.NoError(t, os.Rename(filepath.Join(dir, "a.flv"), filepath.Join(dir, "b.flv")))
				another, err := f.Record("a.flv", RecordOptions{})
				require.NoError(t, err)
				require.NoError(t, another.WriteTag(sound(0)))
				if media {
					require.ErrorIs(t, r.WriteTag(key(0)), ErrBusy)
					require.ErrorIs(t, r.Close(), ErrBusy)
				} else {
					require.NoError(t, r.Close())
				}
				requireNamed(t, another)
				require.NoError(t, another.Close())
				if state == "old" {
					got, err := os.ReadFile(filepath.Join(dir, "b.flv"))
					require.NoError(t, err)
					assert.Equal(t, recorded, got)
				}
			})
		}
	}
}

// TestOldFileThatCantBeReplaced checks that a recording whose folder has been removed fails, and leaves the open old file as it was.
func TestOldFileThatCantBeReplaced(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file keeps its folder")
	}
	recorded := fileOf(key(0), inter(40))
	f, dir := newFolder(t, map[string][]byte{"d/a.flv": recorded})
	r, err := f.Record("d/a.flv", RecordOptions{Done: func(string, error) { assert.Fail(t, "a file is reported") }})
	require.NoError(t, err)
	old, err := os.Open(filepath.Join(dir, "d", "a.flv"))
	require.NoError(t, err)
	defer old.Close()
	require.NoError(t, os.Rename(filepath.Join(dir, "d", "a.flv"), filepath.Join(dir, "b.flv")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d", "a.flv"), nil, 0o644))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "d")))
	err = r.WriteTag(key(0))
	require.Error(t, err)
	assert.Equal(t, err, r.Close())
	got, err := os.ReadFile(filepath.Join(dir, "b.flv"))
	require.NoError(t, err)
	assert.Equal(t, recorded, got)
}

// TestRecordOtherData checks that script data stays between the same tags, whatever
// its timestamp is.
func TestRecordOtherData(t *testing.T) {
	f, dir := newFolder(t, nil)
	text := script(t, "onTextData", "x")
	tags := tagsOf(t, record(t, f, dir, "a.flv", RecordOptions{}, avc(1), text, aac(1), key(70_000), text, inter(70_040), at(text, 9)))
	require.Equal(t, []flv.Tag{avc(1), text, aac(1), key(0), text, inter(40), at(text, 40)}, tags[1:])
	d, err := f.Duration(t.Context(), "a.flv")
	require.NoError(t, err)
	require.Equal(t, 40*time.Millisecond, d)
}

func TestRecordAllocatesNothing(t *testing.T) {
	f, _ := newFolder(t, nil)
	r, err := f.Record("a.flv", RecordOptions{MaxSize: 1 << 40, MaxTotal: 1 << 40})
	require.NoError(t, err)
	small, large := inter(0), big(0, 200_000)
	require.Zero(t, testing.AllocsPerRun(50, func() {
		require.NoError(t, r.WriteTag(small))
		require.NoError(t, r.WriteTag(large))
	}))
	require.NoError(t, r.Close())
}

// TestRecordBeyond32Bits checks that timestamps of the stream and of the file may pass 2^32 ms.
func TestRecordBeyond32Bits(t *testing.T) {
	f, dir := newFolder(t, nil)
	const max32 = 1<<32 - 1
	tags := tagsOf(t, record(t, f, dir, "a.flv", RecordOptions{}, key(max32-100), inter(max32), inter(40)))
	require.Equal(t, []flv.Tag{key(0), inter(100), inter(141)}, tags[1:])
	step := []flv.Tag{key(0)}
	for n := range uint32(6) {
		step = append(step, inter((n+1)*1_000_000_000))
	}
	file := record(t, f, dir, "b.flv", RecordOptions{}, step...)
	tags = tagsOf(t, file)
	require.Equal(t, uint32(6_000_000_000%(1<<32)), tags[7].Timestamp)
	require.Equal(t, 6e6, metadata(t, tags[0])[0].Value)
	d, err := f.Duration(t.Context(), "b.flv")
	require.NoError(t, err)
	require.Equal(t, 6_000_000*time.Second, d)
}

func TestMetadataThatCantBeKept(t *testing.T) {
	f, dir := newFolder(t, nil)
	deep := any(1.0)
	for range amf.MaxDepth - 2 {
		deep = amf.Object{{Name: "x", Value: deep}}
	}
	for name, sent := range map[string]flv.Tag{
		"cut":    {Type: flv.TagScript, Body: script(t, "onMetaData", amf.ECMAArray{{Name: "width", Value: 1.0}}).Body[:20]},
		"none":   script(t, "onMetaData"),
		"number": script(t, "onMetaData", 1.0),
		"deep":   script(t, "onMetaData", amf.ECMAArray{{Name: "deep", Value: deep}}),
		"fake":   script(t, "onMetaData", amf.ECMAArray{{Name: "x\x00\x08duration\x00", Value: "\x00\x08duration\x00aaaaaaaa"}}),
		"huge":   script(t, "onMetaData", amf.ECMAArray{{Name: "x", Value: string(make([]byte, 3<<20))}}),
	} {
		file := record(t, f, dir, "a.flv", RecordOptions{}, sent, key(0), inter(1000))
		tags := tagsOf(t, file)
		requireTotals(t, file, tags)
		require.Equal(t, []flv.Tag{key(0), inter(1000)}, tags[1:], name)
	}
}

func TestAppend(t *testing.T) {
	f, dir := newFolder(t, nil)
	o := RecordOptions{Append: true}
	record(t, f, dir, "a.flv", o, script(t, "onMetaData", amf.ECMAArray{{Name: "width", Value: 1.0}}), avc(1), key(900), sound(990), inter(940))
	file := record(t, f, dir, "a.flv", o, script(t, "onMetaData", amf.ECMAArray{{Name: "width", Value: 2.0}}), avc(2), key(50), inter(90))
	tags := tagsOf(t, file)
	requireTotals(t, file, tags)
	require.Equal(t, 1.0, metadata(t, tags[0])[3].Value)
	require.Equal(t, []flv.Tag{avc(1), key(0), sound(90), inter(40), at(avc(2), 91), key(91), inter(131)}, tags[1:])
	before := file
	require.Equal(t, before, record(t, f, dir, "a.flv", o), "nothing came")
}

func TestAppendRefuses(t *testing.T) {
	whole := fileOf(key(0), inter(40))
	garbage := append(bytes.Clone(whole), 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	wrong := append(bytes.Clone(whole[:len(whole)-1]), 1, 9, 0, 0) // a wrong PreviousTagSize, and the beginning of a tag
	stream := append(bytes.Clone(whole), 9, 0, 0, 9, 0, 0, 0, 0, 1, 1, 1, 'x')
	header := append(bytes.Clone(whole), 7, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0) // a tag header of an unknown type
	for name, content := range map[string][]byte{
		"text": []byte("not a video"), "short": []byte("FL?"), "garbage": garbage, "zeros": append(bytes.Clone(whole), make([]byte, 100)...), "wrong": wrong, "stream": stream, "header": header,
		"mp4": []byte("\x00\x00\x00\x20ftypisom"),
	} {
		f, dir := newFolder(t, map[string][]byte{"a.flv": content})
		_, err := f.Record("a.flv", RecordOptions{Append: true})
		var e *Error
		require.ErrorAs(t, err, &e, name)
		var damage *flv.Error
		require.True(t, errors.Is(err, ErrNotFLV) || errors.As(err, &damage), "%s: %v", name, err)
		if name == "zeros" {
			require.ErrorContains(t, err, "its type is 0")
		}
		left, err := os.ReadFile(filepath.Join(dir, "a.flv"))
		require.NoError(t, err)
		require.Equal(t, content, left, name)
	}
}

// TestAppendAfterCut truncates a file at every byte of its last three tags. Appending must continue after the last whole tag.
func TestAppendAfterCut(t *testing.T) {
	f, dir := newFolder(t, nil)
	path := filepath.Join(dir, "a.flv")
	content := record(t, f, dir, "a.flv", RecordOptions{}, avc(1), key(0), inter(40), sound(50), big(80, 300))
	tags := tagsOf(t, content)
	from := len(fileOf(tags[:len(tags)-3]...))
	for cut := from; cut <= len(content); cut++ {
		require.NoError(t, os.WriteFile(path, content[:cut], 0o644))
		kept := tags[:len(tags)-3]
		for len(kept) < len(tags) && len(fileOf(tags[:len(kept)+1]...)) <= cut {
			kept = tags[:len(kept)+1]
		}
		file := record(t, f, dir, "a.flv", RecordOptions{Append: true}, avc(1), key(7))
		after := tagsOf(t, file)
		requireTotals(t, file, after)
		base := kept[len(kept)-1].Timestamp + 1
		require.Equal(t, append(append([]flv.Tag{}, kept[1:]...), at(avc(1), base), key(base)), after[1:], cut)
	}
	for cut := range flv.FileHeaderSize { // the file is empty or contains a part of a file header
		require.NoError(t, os.WriteFile(path, content[:4], 0o644))
		require.NoError(t, os.WriteFile(path, flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})[:cut], 0o644))
		require.Len(t, tagsOf(t, record(t, f, dir, "a.flv", RecordOptions{Append: true}, key(7))), 2)
	}
}

// TestAppendAfterCutInBodyOfTags checks that appending works if the file ends inside a body whose bytes look like tags.
func TestAppendAfterCutInBodyOfTags(t *testing.T) {
	f, dir := newFolder(t, nil)
	path := filepath.Join(dir, "a.flv")
	body := []byte{0x27, 1, 0, 0, 0}
	for range 1000 {
		body = flv.AppendTag(body, flv.Tag{Type: flv.TagAudio})
	}
	content := record(t, f, dir, "a.flv", RecordOptions{}, key(0), videoTag(40, body...))
	for _, cut := range []int{flv.PreviousTagSizeLen, flv.PreviousTagSizeLen + 15, flv.PreviousTagSizeLen + 600*15} {
		require.NoError(t, os.WriteFile(path, content[:len(content)-cut], 0o644))
		tags := tagsOf(t, record(t, f, dir, "a.flv", RecordOptions{Append: true}, key(7)))
		require.Equal(t, []flv.Tag{key(0), key(1)}, tags[1:])
	}
}

// TestAppendToForeignFile checks that a recording can be appended to a file that another program has made.
func TestAppendToForeignFile(t *testing.T) {
	sample, err := os.ReadFile(sampleFile)
	require.NoError(t, err)
	for _, cut := range []int{0, 1, 5000} {
		f, dir := newFolder(t, map[string][]byte{"a.flv": sample[:len(sample)-cut]})
		file := record(t, f, dir, "a.flv", RecordOptions{Append: true}, key(7), inter(47))
		tags := tagsOf(t, file)
		requireSame(t, tagsOf(t, sample)[1:len(tags)-2], tags[1:len(tags)-2])
		name, values, err := flv.ParseScript(tags[0].Body)
		require.NoError(t, err)
		require.Equal(t, "onMetaData", name)
		require.InDelta(t, float64(tags[len(tags)-1].Timestamp)/1000, flv.Duration(values...).Seconds(), 0.0005)
		size, _ := values[0].(amf.ECMAArray).Get("filesize")
		require.Equal(t, float64(len(file)), size)
	}
}

func TestBusy(t *testing.T) {
	f, dir := newFolder(t, nil)
	other, err := OpenFolder(dir)
	require.NoError(t, err)
	defer other.Close()
	r, err := f.Record("a.flv", RecordOptions{})
	require.NoError(t, err)
	for _, folder := range []*Folder{f, other} {
		for _, o := range []RecordOptions{{}, {Append: true}} {
			_, err = folder.Record("a.flv", o)
			require.ErrorIs(t, err, ErrBusy)
			o.Wait = time.Millisecond
			_, err = folder.Record("a.flv", o)
			require.ErrorIs(t, err, ErrBusy)
		}
	}
	require.NoError(t, r.WriteTag(key(0)))
	var closing sync.WaitGroup
	closing.Go(func() { assert.NoError(t, r.Close()) })
	r, err = other.Record("a.flv", RecordOptions{Append: true, Wait: time.Minute})
	closing.Wait()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.ErrorIs(t, r.WriteTag(key(0)), ErrClosed)
	require.NoError(t, r.Close())
}

// TestReplaceBesideALink checks that a recording that replaces another one changes no file to which a link leads from the name that the new file
// has at first.
func TestReplaceBesideALink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights there")
	}
	f, dir := newFolder(t, map[string][]byte{"a.flv": fileOf(key(0)), "b.flv": fileOf(key(0))})
	require.NoError(t, os.Symlink("b.flv", filepath.Join(dir, ".a~")))
	r, err := f.Record("a.flv", RecordOptions{})
	require.NoError(t, err)
	require.NoError(t, r.WriteTag(sound(0)))
	require.NoError(t, r.Close())
	other, err := os.ReadFile(filepath.Join(dir, "b.flv"))
	require.NoError(t, err)
	assert.Equal(t, fileOf(key(0)), other)
	info, err := os.Lstat(filepath.Join(dir, "a.flv"))
	require.NoError(t, err)
	assert.True(t, info.Mode().IsRegular())
}

// TestWaitForNothing checks a recording that is no longer wanted after it has waited for another one. It must not replace the file.
func TestWaitForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := newFolder(t, nil)
		r, err := f.Record("a.flv", RecordOptions{})
		require.NoError(t, err)
		require.NoError(t, r.WriteTag(key(0)))
		refused := make(chan error, 1)
		go func() {
			_, err := f.Record("a.flv", RecordOptions{Wait: time.Minute, Wanted: func() bool { return false }})
			refused <- err
		}()
		synctest.Wait() // it waits
		require.NoError(t, r.Close())
		require.ErrorIs(t, <-refused, ErrUnwanted)
		info, err := os.Stat(filepath.Join(dir, "a.flv"))
		require.NoError(t, err)
		assert.Greater(t, info.Size(), int64(flv.FileHeaderSize))
	})
}

// TestManyWait checks that each of several recordings that wait for the same file gets the file in turn.
func TestManyWait(t *testing.T) {
	f, _ := newFolder(t, nil)
	for range 30 {
		r, err := f.Record("a.flv", RecordOptions{})
		require.NoError(t, err)
		var waiting sync.WaitGroup
		for range 4 {
			waiting.Go(func() {
				r, err := f.Record("a.flv", RecordOptions{Wait: time.Minute})
				if assert.NoError(t, err) {
					assert.NoError(t, r.WriteTag(key(0)))
					assert.NoError(t, r.Close())
				}
			})
		}
		require.NoError(t, r.Close())
		waiting.Wait()
	}
}

// TestRecordInsideAFile checks that a recording whose folder is a file fails at once. A Recorder must not take that for a file that exists,
// since it would then try again and again, or one name after the other.
func TestRecordInsideAFile(t *testing.T) {
	f, _ := newFolder(t, map[string][]byte{"a.flv": fileOf(key(0))})
	for name, o := range map[string]RecordOptions{
		"replace": {Wait: time.Second},
		"append":  {Wait: time.Second, Append: true},
		"new":     {Next: func(time.Time) string { return "a.flv/b.flv" }},
	} {
		_, err := f.Record("a.flv/b.flv", o)
		require.ErrorIs(t, err, ErrBadName, name)
	}
}

func TestRotation(t *testing.T) {
	type done struct {
		name string
		err  error
	}
	var got []done
	f, dir := newFolder(t, map[string][]byte{"a-3.flv": fileOf(key(0))})
	o := RecordOptions{MaxDuration: time.Second, Done: func(name string, err error) { got = append(got, done{name, err}) }}
	r, err := f.Record("a.flv", o)
	require.NoError(t, err)
	require.NoError(t, r.WriteTag(avc(1)))
	for n := range uint32(40) { // four seconds with a key frame every 600 ms
		now := 100 * n
		tag := inter(now)
		if n%6 == 0 {
			tag = key(now)
		}
		require.NoError(t, r.WriteTag(tag))
		require.NoError(t, r.WriteTag(sound(now-3)), "which comes late")
		if n == 13 {
			require.NoError(t, r.WriteTag(avc(2)))
		}
	}
	require.Equal(t, "a-5.flv", r.Name())
	require.NoError(t, r.Close())
	require.Equal(t, []done{{"a.flv", nil}, {"a-2.flv", nil}, {"a-4.flv", nil}, {"a-5.flv", nil}}, got)
	for n, d := range got {
		file, err := os.ReadFile(filepath.Join(dir, d.name))
		require.NoError(t, err)
		tags := tagsOf(t, file)
		requireTotals(t, file, tags)
		require.Equal(t, []flv.Tag{avc(byte(n/2 + 1)), key(0), sound(0)}, tags[1:4], d.name)
	}
	left, err := os.ReadFile(filepath.Join(dir, "a-3.flv"))
	require.NoError(t, err)
	require.Equal(t, fileOf(key(0)), left, "it was there before")
}

func TestRotationBySize(t *testing.T) {
	f, dir := newFolder(t, nil)
	asked := 0
	o := RecordOptions{MaxSize: 10_000, Next: func(time.Time) string { asked++; return fmt.Sprintf("%d/x.flv", min(asked, 2)) }}
	r, err := f.Record("a.flv", o)
	require.NoError(t, err)
	for n := range uint32(100) { // there are no key frames
		require.NoError(t, r.WriteTag(big(40*n, 1000)))
	}
	require.NoError(t, r.Close())
	require.Equal(t, "2/x-3.flv", r.Name())
	total := 0
	for _, name := range []string{"a.flv", "1/x.flv", "2/x.flv", "2/x-2.flv", "2/x-3.flv"} {
		file, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Less(t, len(file), 22_000)
		total += len(tagsOf(t, file)) - 1
	}
	require.Equal(t, 100, total)
}

// TestRotationToNamesOfOthers checks that recordings continue even if the next files of several streams would have the same name.
func TestRotationToNamesOfOthers(t *testing.T) {
	f, _ := newFolder(t, nil)
	var mu sync.Mutex
	names := map[string]int{}
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			r, err := f.Record(fmt.Sprint(n, ".flv"), RecordOptions{MaxSize: 1, Next: func(time.Time) string { return "day/x.flv" }, Done: func(name string, err error) {
				assert.NoError(t, err)
				mu.Lock()
				defer mu.Unlock()
				names[name]++
			}})
			if !assert.NoError(t, err) {
				return
			}
			for n := range uint32(10) {
				assert.NoError(t, r.WriteTag(key(n)))
			}
			assert.NoError(t, r.Close())
		})
	}
	wg.Wait()
	require.Len(t, names, 40)
}

func TestRotationThatFails(t *testing.T) {
	f, _ := newFolder(t, nil)
	var got []error
	r, err := f.Record("a.flv", RecordOptions{MaxSize: 1, Next: func(time.Time) string { return "../x.flv" }, Done: func(_ string, err error) { got = append(got, err) }})
	require.NoError(t, err)
	require.NoError(t, r.WriteTag(key(0)))
	require.ErrorIs(t, r.WriteTag(key(40)), ErrBadName)
	require.ErrorIs(t, r.WriteTag(key(80)), ErrBadName)
	require.ErrorIs(t, r.Close(), ErrBadName)
	require.Equal(t, []error{nil}, got)
}

func TestLimits(t *testing.T) {
	f, _ := newFolder(t, map[string][]byte{"old/b.flv": make([]byte, 3<<20)})
	_, err := f.Record("a.flv", RecordOptions{MinFree: 1 << 62})
	require.ErrorIs(t, err, ErrNoSpace)
	require.ErrorContains(t, err, "MinFree")
	_, err = f.Record("a.flv", RecordOptions{MaxTotal: 1 << 20})
	require.ErrorIs(t, err, ErrNoSpace)
	require.ErrorContains(t, err, "MaxTotal")

	var told error
	r, err := f.Record("a.flv", RecordOptions{MaxTotal: 5 << 20, Done: func(_ string, err error) { told = err }})
	require.NoError(t, err)
	written := 0
	for err == nil {
		err = r.WriteTag(big(uint32(written), 10_000))
		written += 10_000
	}
	require.ErrorIs(t, err, ErrNoSpace)
	require.ErrorIs(t, told, ErrNoSpace)
	require.ErrorIs(t, r.Close(), ErrNoSpace)
	require.InDelta(t, 2<<20, written, 1<<20+20_000)
	tags, err := drain(t, play(t, f, "a.flv", all))
	require.NoError(t, ignoreEOF(err))
	require.Equal(t, written/10_000, len(tags)-1)
}

// TestRecordPieces checks that the body of a tag may consist of pieces, of any number.
func TestRecordPieces(t *testing.T) {
	f, dir := newFolder(t, nil)
	r, err := f.Record("a.flv", RecordOptions{})
	require.NoError(t, err)
	long, header := big(0, 300_000), avc(1)
	header.Body = append(header.Body, make([]byte, 200)...)
	cut := func(tag flv.Tag, size int) Recorded {
		pieces := slices.Collect(slices.Chunk(tag.Body, size))
		tag.Body = pieces[0]
		return Recorded{tag, pieces[1:]}
	}
	require.NoError(t, r.Write(cut(header, 64), cut(long, 64), Recorded{Tag: sound(10)}, cut(at(long, 20), 100_000)))
	require.NoError(t, r.Write())
	content, err := os.ReadFile(filepath.Join(dir, "a.flv"))
	require.NoError(t, err)
	tags := tagsOf(t, content)[1:]
	requireSame(t, []flv.Tag{header, long, sound(10), at(long, 20)}, tags)
	require.NoError(t, r.Close())
	require.ErrorIs(t, r.Write(), ErrClosed)
}

func TestRecorderIsSafeForGoroutines(t *testing.T) {
	f, dir := newFolder(t, nil)
	var mu sync.Mutex
	var names []string
	r, err := f.Record("a.flv", RecordOptions{MaxSize: 20_000, Done: func(name string, err error) {
		mu.Lock()
		defer mu.Unlock()
		names = append(names, name)
		assert.NoError(t, err)
	}})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := range uint32(50) {
				assert.NoError(t, r.WriteTag(big(n, 500)))
				r.Name()
			}
		})
	}
	wg.Wait()
	require.NoError(t, r.Close())
	total := 0
	for _, name := range names {
		file, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		total += len(tagsOf(t, file)) - 1
	}
	require.Equal(t, 200, total)
}

// TestReplacedWhilePlayed checks that a player continues to play the old file after it was replaced.
func TestReplacedWhilePlayed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("see output.replace")
	}
	f, dir := newFolder(t, map[string][]byte{"a.flv": fileOf(key(0), inter(40))})
	p := play(t, f, "a.flv", all)
	record(t, f, dir, "a.flv", RecordOptions{}, sound(0))
	tags, _ := drain(t, p)
	require.Equal(t, []flv.Tag{key(0), inter(40)}, tags)
	tags, _ = drain(t, play(t, f, "a.flv", all))
	require.Equal(t, sound(0), tags[1])
}

// TestReplacedAfterAKill checks that a file left by a process that was killed while it replaced a recording does not matter, and that names
// of the largest length can be replaced.
func TestReplacedAfterAKill(t *testing.T) {
	stem := strings.Repeat("x", maxElement-len(extension))
	f, dir := newFolder(t, map[string][]byte{stem + extension: fileOf(key(0)), "." + stem + "~": make([]byte, 1000)})
	f.usage.total(f.root)
	content := record(t, f, dir, stem+extension, RecordOptions{}, sound(0))
	require.Equal(t, sound(0), tagsOf(t, content)[1])
	require.EqualValues(t, len(content), f.usage.total(f.root))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// TestReplacedBesideAnObstacle checks that a recording replaces another one even if the name that the new file has at first is in use and can't be
// freed, as that of another user's file in a folder like /tmp.
func TestReplacedBesideAnObstacle(t *testing.T) {
	f, dir := newFolder(t, map[string][]byte{"a.flv": fileOf(key(0), key(40)), ".a~/b": nil})
	f.usage.total(f.root)
	content := record(t, f, dir, "a.flv", RecordOptions{}, sound(0))
	require.Equal(t, sound(0), tagsOf(t, content)[1])
	require.EqualValues(t, len(content), f.usage.total(f.root))
}

// TestUsage checks that the folder is searched again after a while, since other programs also add and remove files.
func TestUsage(t *testing.T) {
	f, dir := newFolder(t, map[string][]byte{"a.flv": make([]byte, 1000), "d/b.flv": make([]byte, 200)})
	synctest.Test(t, func(t *testing.T) {
		require.Equal(t, int64(1200), f.usage.total(f.root))
		f.usage.add(50)
		require.NoError(t, os.Remove(filepath.Join(dir, "a.flv")))
		require.Equal(t, int64(1250), f.usage.total(f.root))
		time.Sleep(searchEvery)
		f.usage.searching.Lock() // simulates a search by another goroutine
		require.Equal(t, int64(1250), f.usage.total(f.root))
		f.usage.searching.Unlock()
		require.Equal(t, int64(200), f.usage.total(f.root))
		f.usage.add(7)
		require.Equal(t, int64(207), f.usage.total(f.root))
	})
}
