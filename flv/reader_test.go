package flv

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReader(t *testing.T) {
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"whole":            func(r io.Reader) io.Reader { return r },
		"one byte":         iotest.OneByteReader,
		"EOF with data":    iotest.DataErrReader,
		"halves":           iotest.HalfReader,
		"reads of nothing": func(r io.Reader) io.Reader { return &lazyReader{r: r} },
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(wrap(bytes.NewReader(smallFile())))
			for range 2 {
				h, err := r.Header()
				require.NoError(t, err)
				assert.Equal(t, FileHeader{HasAudio: true, HasVideo: true}, h)
			}
			var tag Tag
			require.NoError(t, r.Next(&tag))
			assert.Equal(t, smallTags()[0], tag)
			assert.Equal(t, int64(13), r.Offset())

			tags, err := readAll(r)
			assert.Same(t, io.EOF, err)
			assert.Equal(t, smallTags()[1:], tags)
			assert.Equal(t, int64(93), r.Offset())
			assert.Zero(t, r.WrongPreviousTagSizes())
		})
	}
}

// lazyReader returns 0, nil every other time, which the rules of io.Reader discourage but allow.
type lazyReader struct {
	r     io.Reader
	turns int
}

func (l *lazyReader) Read(p []byte) (int, error) {
	if l.turns++; l.turns%2 == 1 {
		return 0, nil
	}
	return l.r.Read(p)
}

// TestReaderCut checks that a truncated file ends with io.EOF only if it is cut between two tags.
func TestReaderCut(t *testing.T) {
	file := smallFile()
	boundaries := map[int]int{FileHeaderSize: 0} // number of tags before each offset between two tags
	at := FileHeaderSize
	for i, tag := range smallTags() {
		at += TagOverhead + len(tag.Body)
		boundaries[at] = i + 1
	}
	start, whole := 0, 0
	for n := range len(file) + 1 {
		tags, err := readAll(NewReader(bytes.NewReader(file[:n])))
		if count, ok := boundaries[n]; ok {
			start, whole = n, count
			assert.Same(t, io.EOF, err, "cut at %d", n)
			assert.Equal(t, smallTags()[:count], append([]Tag{}, tags...))
			continue
		}
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "cut at %d", n)
		assert.NotErrorIs(t, err, io.EOF)
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, int64(start), e.Offset, "cut at %d", n)
		if whole < len(smallTags()) && n > FileHeaderSize && n >= start+TagHeaderSize+len(smallTags()[whole].Body) {
			assert.Equal(t, smallTags()[:whole+1], tags, "the tag is returned before its previous tag size")
		} else {
			assert.Equal(t, smallTags()[:whole], append([]Tag{}, tags...))
		}
	}
}

func TestReaderHeaderErrors(t *testing.T) {
	for n := range fileHeaderProper {
		_, err := NewReader(bytes.NewReader(smallFile()[:n])).Header()
		requireCut(t, err, 0, int64(FileHeaderSize-n))
	}
	_, err := NewReader(bytes.NewReader([]byte("ftypisom and so on"))).Header()
	requireError(t, err, `flv: offset 0: not an FLV file, which begins with the bytes FLV: "fty"`)
	_, err = NewReader(iotest.ErrReader(io.ErrClosedPipe)).Header()
	assert.Same(t, io.ErrClosedPipe, err)
}

// TestReaderGoesOn checks that no tag is lost by an error of the io.Reader, such as a deadline, and that a file may grow.
func TestReaderGoesOn(t *testing.T) {
	file := smallFile()
	deadline := errors.New("deadline")
	for cut := range file {
		failed := false
		r := NewReader(io.MultiReader(bytes.NewReader(file[:cut]), readerFunc(func([]byte) (int, error) {
			if failed {
				return 0, io.EOF
			}
			failed = true
			return 0, deadline
		}), bytes.NewReader(file[cut:])))
		before, err := readAll(r)
		require.Same(t, deadline, err)
		after, err := readAll(r)
		require.Same(t, io.EOF, err)
		assert.Equal(t, smallTags(), append(before, after...))

		var growing bytes.Buffer
		growing.Write(file[:cut])
		r = NewReader(&growing)
		before, err = readAll(r)
		require.Error(t, err)
		growing.Write(file[cut:])
		after, err = readAll(r)
		require.Same(t, io.EOF, err)
		assert.Equal(t, smallTags(), append(before, after...))
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestReaderNoProgress(t *testing.T) {
	var tag Tag
	err := NewReader(readerFunc(func([]byte) (int, error) { return 0, nil })).Next(&tag)
	assert.Same(t, io.ErrNoProgress, err)
}

func TestReaderBodyLargerThanBuffer(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), readSize/3)
	file := AppendTag(AppendFileHeader(nil, FileHeader{}), Tag{Type: TagVideo, Body: body})
	tags, err := readAll(NewReader(bytes.NewReader(file)))
	assert.Same(t, io.EOF, err)
	require.Len(t, tags, 1)
	assert.True(t, bytes.Equal(body, tags[0].Body))
}

func TestReaderAllocates(t *testing.T) {
	tags := AppendFileHeader(nil, FileHeader{})[FileHeaderSize:]
	for len(tags) < 3*readSize {
		tags = AppendTag(tags, Tag{Type: TagVideo, Timestamp: 40, Body: make([]byte, 999)})
	}
	r := NewReader(io.MultiReader(bytes.NewReader(AppendFileHeader(nil, FileHeader{})), &repeat{b: tags}))
	var tag Tag
	for range 1000 {
		require.NoError(t, r.Next(&tag))
	}
	var err error
	assert.Zero(t, testing.AllocsPerRun(1000, func() { err = errors.Join(err, r.Next(&tag)) }))
	require.NoError(t, err)
}

type repeat struct {
	b  []byte
	at int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.b[r.at:])
	r.at = (r.at + n) % len(r.b)
	return n, nil
}

func BenchmarkReader(b *testing.B) {
	file := sample(b)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	source := bytes.NewReader(file)
	r := NewReader(source)
	var tag Tag
	for b.Loop() {
		source.Reset(file)
		for {
			if err := r.Next(&tag); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
