package chunk

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

// got is a message with a copy of its body.
type got struct {
	Type                          uint8
	ChunkStreamID, StreamID, Time uint32
	Body                          string
}

func readAll(r io.Reader, limit int) (all []got, _ error) {
	in := NewReader(r, limit)
	for {
		var m Message
		if err := in.Next(&m); err != nil {
			return all, err
		}
		copied := make([]byte, m.Len())
		if n := m.CopyTo(copied); n != m.Len() || !bytes.Equal(copied, m.Body()) {
			return all, errors.New("CopyTo and Body differ")
		}
		all = append(all, got{m.Type, m.ChunkStreamID, m.StreamID, m.Timestamp, string(copied)})
	}
}

var unhex = conntest.Hex

func long(n int) string { return string(bytes.Repeat([]byte{'x'}, n)) }

func TestReader(t *testing.T) {
	x128, x72 := hex.EncodeToString([]byte(long(128))), hex.EncodeToString([]byte(long(72)))
	for _, test := range []struct {
		name, in string
		want     []got
	}{
		{"format 0", "03 000064 000002 14 01000000 6162", []got{{20, 3, 1, 100, "ab"}}},
		{"two-byte id", "00 00 000000 000001 08 01000000 61", []got{{8, 64, 1, 0, "a"}}},
		{"three-byte id", "01 ffff 000000 000001 08 01000000 61", []got{{8, 65599, 1, 0, "a"}}},
		{"319 in the long form", "01 ff00 000000 000001 08 01000000 61", []got{{8, 319, 1, 0, "a"}}},
		{"deltas", "04 000064 000001 08 01000000 61 44 00000a 000002 09 6162 84 000005 6364 c4 6566",
			[]got{{8, 4, 1, 100, "a"}, {9, 4, 1, 110, "ab"}, {9, 4, 1, 115, "cd"}, {9, 4, 1, 120, "ef"}}},
		{"format 3 adds format 0's time", "04 00001a 000001 08 01000000 61 c4 62", []got{{8, 4, 1, 26, "a"}, {8, 4, 1, 52, "b"}}},
		{"format 1 first", "42 000000 000004 03 00000001", []got{{3, 2, 0, 0, "\x00\x00\x00\x01"}}},
		{"negative delta", "04 000064 000001 08 01000000 61 84 ffffff ffffffef 62", []got{{8, 4, 1, 100, "a"}, {8, 4, 1, 83, "b"}}},
		{"no body", "04 000000 000000 08 01000000", []got{{8, 4, 1, 0, ""}}},
		{"two chunks", "04 000000 0000c8 09 01000000" + x128 + "c4" + x72, []got{{9, 4, 1, 0, long(200)}}},
		{"extended, present", "04 ffffff 0000c8 09 01000000 01000000" + x128 + "c4 01000000" + x72, []got{{9, 4, 1, 1 << 24, long(200)}}},
		{"extended, missing", "04 ffffff 0000c8 09 01000000 01000000" + x128 + "c4" + x72, []got{{9, 4, 1, 1 << 24, long(200)}}},
		{"extended, new message repeats", "04 ffffff 000001 09 01000000 01000000 61 c4 01000000 62",
			[]got{{9, 4, 1, 1 << 24, "a"}, {9, 4, 1, 1 << 24, "b"}}},
		{"absolute in format 1", "04 ffffff 000001 09 01000000 01000000 61 44 ffffff 000001 09 01000028 62",
			[]got{{9, 4, 1, 1 << 24, "a"}, {9, 4, 1, 1<<24 + 40, "b"}}},
		{"time wraps", "04 ffffff 000001 09 01000000 fffffff0 61 84 000020 62", []got{{9, 4, 1, 0xFFFFFFF0, "a"}, {9, 4, 1, 0x10, "b"}}},
		{"interleaved", "04 000000 0000c8 09 01000000" + x128 + "05 000001 000001 08 01000000 61 c4" + x72,
			[]got{{8, 5, 1, 1, "a"}, {9, 4, 1, 0, long(200)}}},
		{"chunk size in mid-message", "04 000000 0000c8 09 01000000" + x128 + "02 000000 000004 01 00000000 00000024 c4" +
			x72[:72] + "c4" + x72[72:], []got{{1, 2, 0, 0, "\x00\x00\x00\x24"}, {9, 4, 1, 0, long(200)}}},
		{"abort", "04 000000 0000c8 09 01000000" + x128 + "02 000000 000004 02 00000000 00000004 44 000001 000001 09 61",
			[]got{{2, 2, 0, 0, "\x00\x00\x00\x04"}, {9, 4, 1, 1, "a"}}},
		{"header repeated in mid-message", "04 000000 0000c8 09 01000000" + x128 + "44 000000 0000c8 09" + x72, []got{{9, 4, 1, 0, long(200)}}},
		{"implicit abort", "04 000000 0000c8 09 01000000" + x128 + "04 000007 000001 08 01000000 61", []got{{8, 4, 1, 7, "a"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := unhex(test.in)
			for name, r := range map[string]io.Reader{"whole": bytes.NewReader(in), "byte by byte": iotest.OneByteReader(bytes.NewReader(in))} {
				messages, err := readAll(r, 0)
				assert.Equal(t, io.EOF, err, name)
				assert.Equal(t, test.want, messages, name)
			}
		})
	}
}

func TestReaderErrors(t *testing.T) {
	for name, test := range map[string]struct{ in, want string }{
		"chunk size 0":        {"02 000000 000004 01 00000000 00000000", "chunk size out of range: 0"},
		"chunk size 2^31":     {"02 000000 000004 01 00000000 80000000", "chunk size out of range: 2147483648"},
		"format 3 first":      {"c4", "no header of its own, chunk stream: 4"},
		"format 2 first":      {"84 000000", "no header of its own, chunk stream: 4"},
		"longer than allowed": {"04 000000 0003e9 09 01000000", "message length exceeds the limit: 1001"},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(bytes.NewReader(unhex(test.in)), 1000)
			var m Message
			err := r.Next(&m)
			for err == nil {
				err = r.Next(&m)
			}
			var bad *Error
			require.ErrorAs(t, err, &bad)
			assert.ErrorContains(t, err, test.want)
			assert.Equal(t, err, r.Next(&m), "the error is final")
		})
	}
	_, err := readAll(bytes.NewReader(unhex("04 000000 0000c8 09 01000000 61")), 0)
	assert.Equal(t, io.ErrUnexpectedEOF, err, "cut in mid-message")
}

// TestAnnouncedMessagesCostNothing checks a peer that announces messages of the largest size on thousands of chunk streams. It must cause
// an error, and no allocation.
func TestAnnouncedMessagesCostNothing(t *testing.T) {
	var in []byte
	for id := uint32(2); id < 5000; id++ {
		in = appendBasicHeader(in, Format0, id)
		in = append(in, 0, 0, 0, 0xFF, 0xFF, 0xFF, 9, 1, 0, 0, 0)
		in = append(in, make([]byte, 128)...)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := readAll(bytes.NewReader(in), 0)
	runtime.ReadMemStats(&after)
	var bad *Error
	require.ErrorAs(t, err, &bad)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20))
}

// interrupted is a source that returns a deadline error before every read.
type interrupted struct {
	r    io.Reader
	next bool
}

func (i *interrupted) Read(b []byte) (int, error) {
	if i.next = !i.next; i.next {
		return 0, os.ErrDeadlineExceeded
	}
	return i.r.Read(b[:1])
}

func TestInterruptionsLoseNothing(t *testing.T) {
	wire, want := randomStream(rand.New(rand.NewPCG(1, 2)), 60)
	r := NewReader(&interrupted{r: bytes.NewReader(wire)}, 0)
	var messages []got
	for {
		var m Message
		err := r.Next(&m)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		messages = append(messages, got{m.Type, m.ChunkStreamID, m.StreamID, m.Timestamp, string(m.Body())})
	}
	assert.Equal(t, want, messages)
}

// randomStream returns n random messages, and their chunks as written by a Writer.
func randomStream(rnd *rand.Rand, n int) (wire []byte, want []got) {
	w := NewWriter()
	ids := []uint32{2, 3, 63, 64, 319, 320, 65599}
	times := map[uint32]uint32{}
	for range n {
		o := Outgoing{Type: 8 + uint8(rnd.IntN(2)), ChunkStreamID: ids[rnd.IntN(len(ids))], StreamID: uint32(rnd.IntN(2)),
			Format: Format(rnd.IntN(4)), Body: make([]byte, rnd.IntN(3)*rnd.IntN(400))}
		switch rnd.IntN(12) {
		case 0:
			times[o.ChunkStreamID] = rnd.Uint32()
		case 1:
			o.Type, o.StreamID = typeSetChunkSize, 0
			o.Body = binary.BigEndian.AppendUint32(nil, 1+rnd.Uint32N(300))
		default:
			times[o.ChunkStreamID] += rnd.Uint32N(3) * 20
		}
		if o.Type != typeSetChunkSize {
			for i := range o.Body {
				o.Body[i] = byte(rnd.Uint32())
			}
		}
		o.Timestamp = times[o.ChunkStreamID]
		var err error
		if wire, err = w.AppendMessage(wire, &o); err != nil {
			panic(err)
		}
		want = append(want, got{o.Type, o.ChunkStreamID, o.StreamID, o.Timestamp, string(o.Body)})
	}
	return wire, want
}

func TestRoundTrip(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		wire, want := randomStream(rnd, 50)
		messages, err := readAll(bytes.NewReader(wire), 0)
		require.Equal(t, io.EOF, err)
		require.Equal(t, want, messages, "seed %d", seed)
		messages, err = readAll(iotest.HalfReader(bytes.NewReader(wire)), 0)
		require.Equal(t, io.EOF, err)
		require.Equal(t, want, messages, "seed %d, in halves", seed)
	}
}

func TestZeroWriter(t *testing.T) {
	var zero Writer
	assert.Equal(t, DefaultChunkSize, zero.ChunkSize())
	b, err := zero.AppendMessage(nil, &Outgoing{Type: 9, ChunkStreamID: 4, Body: []byte(long(DefaultChunkSize + 1))})
	require.NoError(t, err)
	assert.Len(t, b, 12+DefaultChunkSize+1+1)
}

func TestWriter(t *testing.T) {
	w := NewWriter()
	for _, step := range []struct {
		o    Outgoing
		want string
	}{
		{Outgoing{Type: 20, ChunkStreamID: 3, Format: Format3, Body: []byte("ab")}, "03 000000 000002 14 00000000 6162"},
		{Outgoing{Type: 20, ChunkStreamID: 3, Format: Format3, Body: []byte("cd")}, "c3 6364"},
		{Outgoing{Type: 20, ChunkStreamID: 3, Format: Format1, Body: []byte("cd")}, "43 000000 000002 14 6364"},
		{Outgoing{Type: 20, ChunkStreamID: 3, Format: Format3, Timestamp: 40, Body: []byte("cd")}, "83 000028 6364"},
		{Outgoing{Type: 20, ChunkStreamID: 3, Format: Format2, Timestamp: 40, Relative: true, Body: []byte("cd")}, "83 000028 6364"},
		{Outgoing{Type: 20, ChunkStreamID: 3, Format: Format3, Timestamp: 10, Body: []byte("cd")}, "03 00000a 000002 14 00000000 6364"},
		{Outgoing{Type: 20, ChunkStreamID: 3, Format: Format3, Timestamp: 20, Body: []byte("cd")}, "83 00000a 6364"},
		{Outgoing{Type: 20, ChunkStreamID: 3, Format: Format3, Timestamp: 1 << 25, Body: []byte("cd")}, "03 ffffff 000002 14 00000000 02000000 6364"},
		{Outgoing{Type: 9, ChunkStreamID: 400, StreamID: 1, Body: []byte("x")}, "01 5001 000000 000001 09 01000000 78"},
	} {
		wire, err := w.AppendMessage(nil, &step.o)
		require.NoError(t, err)
		assert.Equal(t, unhex(step.want), wire)
	}
	for _, bad := range []Outgoing{{ChunkStreamID: 1}, {ChunkStreamID: 65600}, {ChunkStreamID: 3, Body: make([]byte, 1<<24)},
		{ChunkStreamID: 2, Type: 1, Body: make([]byte, 4)}} {
		wire, err := w.AppendMessage([]byte("before"), &bad)
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "before", string(wire))
	}
}

// endless is a source that repeats the same chunks forever.
type endless struct {
	wire []byte
	at   int
}

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, e.wire[e.at:])
	if e.at += n; e.at == len(e.wire) {
		e.at = 0
	}
	return n, nil
}

// repeating returns a stream of messages of the given sizes that can be read again and again.
func repeating(tb testing.TB, chunkSize int, sizes ...int) *Reader {
	w := NewWriter()
	start, err := w.AppendMessage(nil, &Outgoing{Type: 1, ChunkStreamID: 2, Body: binary.BigEndian.AppendUint32(nil, uint32(chunkSize))})
	require.NoError(tb, err)
	var wire []byte
	for _, size := range sizes {
		wire, err = w.AppendMessage(wire, &Outgoing{Type: 9, ChunkStreamID: 4, StreamID: 1, Body: make([]byte, size)})
		require.NoError(tb, err)
	}
	r := NewReader(io.MultiReader(bytes.NewReader(start), &endless{wire: wire}), 0)
	var m Message
	require.NoError(tb, r.Next(&m))
	return r
}

func TestReaderDoesNotAllocate(t *testing.T) {
	for _, chunkSize := range []int{128, 4096, 65536} {
		r := repeating(t, chunkSize, 300, 300, 6000, 60_000)
		dst := make([]byte, 60_000)
		var m Message
		allocs := testing.AllocsPerRun(1000, func() {
			if r.Next(&m) != nil {
				t.Fatal("stream ended")
			}
			m.CopyTo(dst)
		})
		assert.Less(t, allocs, 0.05, "chunk size %d", chunkSize)
	}
}

func BenchmarkReader(b *testing.B) {
	for _, mix := range []struct {
		name  string
		sizes []int
	}{{"300B", []int{300}}, {"6KB-mix", []int{300, 300, 17400}}, {"60KB", []int{60_000}}} {
		for _, chunkSize := range []int{128, 4096, 65536} {
			b.Run(fmt.Sprintf("%s/chunk-%d", mix.name, chunkSize), func(b *testing.B) {
				r := repeating(b, chunkSize, mix.sizes...)
				total, dst := 0, make([]byte, 60_000)
				for _, size := range mix.sizes {
					total += size
				}
				b.SetBytes(int64(total))
				b.ReportAllocs()
				var m Message
				for b.Loop() {
					for range mix.sizes {
						if err := r.Next(&m); err != nil {
							b.Fatal(err)
						}
						m.CopyTo(dst)
					}
				}
			})
		}
	}
}

// FuzzReader checks that the messages and the final error do not depend on how the bytes are split.
func FuzzReader(f *testing.F) {
	for seed := range uint64(4) {
		wire, _ := randomStream(rand.New(rand.NewPCG(seed, 9)), 12)
		f.Add(wire)
	}
	f.Add(unhex("04 ffffff 0000c8 09 01000000 01000000 6161616161 c4 c4 84 ffffff 00000000"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		whole, err := readAll(bytes.NewReader(wire), 1<<20)
		split, splitErr := readAll(iotest.OneByteReader(bytes.NewReader(wire)), 1<<20)
		require.Equal(t, whole, split)
		require.Equal(t, fmt.Sprint(err), fmt.Sprint(splitErr))
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		wire, want := randomStream(rand.New(rand.NewPCG(a, b)), 30)
		messages, err := readAll(bytes.NewReader(wire), 0)
		require.Equal(t, io.EOF, err)
		require.Equal(t, want, messages)
	})
}
