package chunk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Mutation testing (see CONTRIBUTING.md) finds these changes that no test notices, since they affect neither messages nor limits:
//   - assembly.go: gathering a payload that exactly fits in two steps instead of one, replacing a buffer that exactly fits, and treating a
//     continuation of which only the header has arrived in another way.
//   - reader.go: assembling a message that view could return, and comparing a basic header of one byte twice.
//   - message.go: copying chunks of 128 bytes with the other loop.
//   - scatter.go: reading another number of a message's bytes directly to their destination.
//   - writer.go: changing bytes after the end of a header, which are not sent.

// setChunkSize returns a Set Chunk Size message on chunk stream 2.
func setChunkSize(body ...byte) []byte { return protocolControl(typeSetChunkSize, body...) }

func protocolControl(typ byte, body ...byte) []byte {
	return append([]byte{2, 0, 0, 0, 0, 0, byte(len(body)), typ, 0, 0, 0, 0}, body...)
}

func TestChunkSizes(t *testing.T) {
	for _, test := range []struct {
		name string
		body []byte
		want int
		err  bool
	}{
		{"1 byte", []byte{0, 0, 0, 1}, 1, false},
		{"as large as any message", []byte{0, 0xFF, 0xFF, 0xFF}, MaxMessageLength, false},
		{"larger", []byte{1, 0, 0, 0}, MaxMessageLength, false},
		{"the largest", []byte{0x7F, 0xFF, 0xFF, 0xFF}, MaxMessageLength, false},
		{"too large", []byte{0x80, 0, 0, 0}, DefaultChunkSize, true},
		{"0", []byte{0, 0, 0, 0}, DefaultChunkSize, true},
		{"body too short", []byte{0, 0, 9}, DefaultChunkSize, false},
		{"body too long", []byte{0, 0, 1, 0, 9}, 256, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, w := NewReader(bytes.NewReader(setChunkSize(test.body...)), 0), NewWriter()
			var m Message
			err := r.Next(&m)
			assert.Equal(t, test.err, err != nil)
			assert.Equal(t, test.want, r.ChunkSize())
			_, s, err := scanAll(t, setChunkSize(test.body...), 1)
			assert.Equal(t, test.err, err != io.EOF)
			assert.Equal(t, test.want, s.ChunkSize())
			_, err = w.AppendMessage(nil, &Outgoing{Type: typeSetChunkSize, ChunkStreamID: 2, Body: test.body})
			assert.Equal(t, test.err, err != nil)
			assert.Equal(t, test.want, w.ChunkSize())
		})
	}
}

func TestLongestMessage(t *testing.T) {
	for limit, most := range map[int]int{-1: MaxMessageLength, 0: MaxMessageLength, 1: 1, 1000: 1000,
		MaxMessageLength - 1: MaxMessageLength - 1, MaxMessageLength: MaxMessageLength, MaxMessageLength + 1: MaxMessageLength} {
		announced := func(n int) error {
			in := []byte{4, 0, 0, 0, byte(n >> 16), byte(n >> 8), byte(n), 9, 1, 0, 0, 0}
			return NewReader(bytes.NewReader(in), limit).Next(new(Message))
		}
		assert.Equal(t, io.ErrUnexpectedEOF, announced(most), "limit %d", limit)
		if most < MaxMessageLength {
			assert.ErrorContains(t, announced(most+1), "exceeds the limit", "limit %d", limit)
		}
	}
	longest := make([]byte, MaxMessageLength)
	w := NewWriter()
	wire, err := w.AppendMessage(nil, &Outgoing{ChunkStreamID: 3, Body: longest})
	require.NoError(t, err)
	var m Message
	require.NoError(t, NewReader(bytes.NewReader(wire), 0).Next(&m))
	assert.Equal(t, MaxMessageLength, m.Len())
}

// TestChunkBoundaries checks bodies that are about as long as a whole number of chunks, with all forms of chunk headers.
func TestChunkBoundaries(t *testing.T) {
	for _, id := range []uint32{2, 63, 64, 319, 320, MaxChunkStreamID} {
		for _, timestamp := range []uint32{0, extendedMark - 1, extendedMark, 1<<32 - 1} {
			for _, size := range []int{0, 1, 127, 128, 129, 255, 256, 257, 383, 384, 385} {
				body := bytes.Repeat([]byte{0xB0}, size)
				wire, err := NewWriter().AppendMessage(nil, &Outgoing{Type: 9, ChunkStreamID: id, Timestamp: timestamp, StreamID: 1, Body: body})
				require.NoError(t, err)
				basic, extension := 1, 0
				if id >= 64 {
					basic++
				}
				if id >= 320 {
					basic++
				}
				if timestamp >= extendedMark {
					extension = 4
				}
				chunks := max(1, (size+127)/128)
				assert.Len(t, wire, size+11+chunks*(basic+extension), "%d bytes at %d on %d", size, timestamp, id)

				next := []byte{5, 0, 0, 0, 0, 0, 1, 8, 1, 0, 0, 0, 'x'}
				want := []got{{9, id, 1, timestamp, string(body)}, {8, 5, 1, 0, "x"}}
				for _, r := range []io.Reader{bytes.NewReader(append(wire, next...)), iotest.OneByteReader(bytes.NewReader(append(wire, next...)))} {
					all, err := readAll(r, 0)
					require.Equal(t, io.EOF, err)
					require.Equal(t, want, all, "%d bytes at %d on %d", size, timestamp, id)
				}
				for cut := range wire { // truncate the input at every offset
					if size != 129 {
						break
					}
					_, err := readAll(bytes.NewReader(wire[:cut]), 0)
					want := io.ErrUnexpectedEOF
					if cut == 0 {
						want = io.EOF
					}
					require.Equal(t, want, err, "%d bytes at %d on %d, cut at %d", size, timestamp, id, cut)
				}
			}
		}
	}
}

func TestChunkStreamIDs(t *testing.T) {
	for id, want := range map[uint32]string{2: "02", 63: "3f", 64: "0000", 319: "00ff", 320: "010001", MaxChunkStreamID: "01ffff"} {
		b := appendBasicHeader(nil, Format0, id)
		assert.Equal(t, want, fmt.Sprintf("%x", b))
		_, err := NewWriter().AppendMessage(nil, &Outgoing{ChunkStreamID: id})
		assert.NoError(t, err)
		for cut := range b {
			_, _, size := basicHeader(b[:cut])
			assert.Zero(t, size, "%s cut at %d", want, cut)
		}
	}
}

// TestTolerated checks that each deviation that is tolerated is counted once.
func TestTolerated(t *testing.T) {
	x128 := strings.Repeat("78", 128)
	const begun = "04 000000 0000c8 09 01000000"
	for _, test := range []struct {
		name, in string
		want     Tolerated
		times    []uint32
	}{
		{"nothing", begun + x128 + "c4" + x128[:144], Tolerated{}, []uint32{0}},
		{"missing extended timestamp", "04 ffffff 0000c8 09 01000000 01000000" + x128 + "c4" + x128[:144], Tolerated{MissingExtended: 1}, []uint32{1 << 24}},
		{"of three chunks", "04 ffffff 000101 09 01000000 01000000" + x128 + "c4" + x128 + "c4 78", Tolerated{MissingExtended: 2}, []uint32{1 << 24}},
		{"of a new message", "04 ffffff 0000c8 09 01000000 01000000" + x128 + "c4" + x128[:144] + "c4" + x128 + "c4" + x128[:144],
			Tolerated{MissingExtended: 3}, []uint32{1 << 24, 2 << 24}},
		{"absolute time in format 1", "04 000001 000001 09 01000000 78 44 ffffff 000001 09 01000000 78", Tolerated{}, []uint32{1, 1<<24 + 1}},
		{"the same moment", "04 ffffff 000001 09 01000000 01000000 78 44 ffffff 000001 09 01000000 78", Tolerated{AbsoluteExtended: 1}, []uint32{1 << 24, 1 << 24}},
		{"just within the window", "04 ffffff 000001 09 01000000 01000000 78 44 ffffff 000001 09 0100270f 78", Tolerated{AbsoluteExtended: 1}, []uint32{1 << 24, 1<<24 + 9999}},
		{"just outside of it", "04 ffffff 000001 09 01000000 01000000 78 44 ffffff 000001 09 01002710 78", Tolerated{}, []uint32{1 << 24, 2<<24 + 10_000}},
		{"before it", "04 ffffff 000001 09 01000000 01000000 78 44 ffffff 000001 09 00ffffff 78", Tolerated{}, []uint32{1 << 24, 1<<25 - 1}},
		{"after the time 0", "04 000000 000001 09 01000000 78 44 ffffff 000001 09 01000000 78", Tolerated{}, []uint32{0, 1 << 24}},
		{"no extended delta", "04 001000 000001 09 01000000 78 44 001000 000001 09 78", Tolerated{}, []uint32{0x1000, 0x2000}},
		{"aborted", begun + x128 + "02 000000 000004 02 00000000 00000004", Tolerated{Aborts: 1}, []uint32{0}},
		{"abort of a long body", begun + x128 + "02 000000 000005 02 00000000 00000004 00", Tolerated{Aborts: 1}, []uint32{0}},
		{"abort of nothing", "02 000000 000004 02 00000000 00000004", Tolerated{}, []uint32{0}},
		{"abort of a complete message", "04 000000 000001 09 01000000 78 02 000000 000004 02 00000000 00000004", Tolerated{}, []uint32{0, 0}},
		{"abort of the last chunk stream", "01ffff 000000 0000c8 09 01000000" + x128 + "02 000000 000004 02 00000000 0001003f", Tolerated{Aborts: 1}, []uint32{0}},
		{"another message begins", begun + x128 + "04 000007 000001 08 01000000 78", Tolerated{ImplicitAborts: 1}, []uint32{7}},
		{"of the same length and type", "04 000000 000081 09 01000000" + x128 + "04 000007 000081 09 01000000" + x128 + "c4 78", Tolerated{ImplicitAborts: 1}, []uint32{7}},
		{"of another type", "04 000000 000081 09 01000000" + x128 + "44 000007 000081 08" + x128 + "c4 78", Tolerated{ImplicitAborts: 1}, []uint32{7}},
		{"of another length", "04 000000 000081 09 01000000" + x128 + "44 000007 000082 09" + x128 + "c4 7878", Tolerated{ImplicitAborts: 1}, []uint32{7}},
		{"a header repeated", "04 000000 000081 09 01000000" + x128 + "44 000007 000081 09 78", Tolerated{}, []uint32{0}},
		{"a shorter header repeated", "04 000000 000081 09 01000000" + x128 + "84 000007 78", Tolerated{}, []uint32{0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, src := range []io.Reader{bytes.NewReader(unhex(test.in)), iotest.OneByteReader(bytes.NewReader(unhex(test.in)))} {
				r := NewReader(src, 0)
				var times []uint32
				var m Message
				err := r.Next(&m)
				for ; err == nil; err = r.Next(&m) {
					times = append(times, m.Timestamp)
				}
				require.Equal(t, io.EOF, err)
				assert.Equal(t, test.want, r.Tolerated())
				assert.Equal(t, test.times, times)
			}
			var times []uint32
			scanned, s, err := scanAll(t, unhex(test.in), 1)
			require.Equal(t, io.EOF, err)
			assert.Equal(t, test.want, s.Tolerated())
			for _, m := range scanned {
				times = append(times, m.Time)
			}
			assert.Equal(t, test.times, times)
		})
	}
	short := NewReader(bytes.NewReader(unhex(begun+x128+"02 000000 000003 02 00000000 000004")), 0)
	require.NoError(t, short.Next(new(Message)), "an Abort that is too short")
	require.Equal(t, io.ErrUnexpectedEOF, short.Next(new(Message)), "an Abort that is too short aborts nothing")
}

// TestUnfinishedMessagesAreBounded checks the maximum number of unfinished messages. In addition to these, the read buffer may contain the
// beginning of one more.
func TestUnfinishedMessagesAreBounded(t *testing.T) {
	begin := func(n int) (in []byte) {
		for i := range n {
			in = append(appendBasicHeader(in, Format0, uint32(3+i)), 0, 0, 0, 0, 0, 200, 9, 1, 0, 0, 0)
			in = append(in, make([]byte, DefaultChunkSize)...)
		}
		return in
	}
	require.Equal(t, io.ErrUnexpectedEOF, readAllMessages(NewReader(bytes.NewReader(begin(maxPartials)), 0)))
	var bad *Error
	require.ErrorAs(t, readAllMessages(NewReader(bytes.NewReader(begin(maxPartials+2)), 0)), &bad)
	require.Equal(t, "unfinished messages at once", bad.Detail)
	_, _, err := scanAll(t, begin(maxPartials), DefaultChunkSize)
	require.Equal(t, io.EOF, err, "the input ends inside the messages, without another error")
	_, _, err = scanAll(t, begin(maxPartials+1), DefaultChunkSize)
	require.Equal(t, bad, err)

	in := append(begin(maxPartials), protocolControl(typeAbort, 0, 0, 0, 3)...)
	in = append(in, begin(1)...)
	require.Equal(t, io.ErrUnexpectedEOF, readAllMessages(NewReader(bytes.NewReader(in), 0)), "there is room after an Abort")
}

// TestSources checks that a source may return 0 bytes without an error, and bytes together with an error.
func TestSources(t *testing.T) {
	whole := unhex("04 000000 000001 09 01000000 78")
	empty := 0
	source := func(n int) io.Reader {
		empty = n
		rest := bytes.NewReader(whole)
		return readerFunc(func(b []byte) (int, error) {
			if empty--; empty >= 0 {
				return 0, nil
			}
			return rest.Read(b)
		})
	}
	var m Message
	require.NoError(t, NewReader(source(99), 0).Next(&m))
	require.Equal(t, io.ErrNoProgress, NewReader(source(100), 0).Next(&m))

	failed := errors.New("failed")
	r := NewReader(iotest.DataErrReader(io.MultiReader(bytes.NewReader(whole), iotest.ErrReader(failed))), 0)
	require.NoError(t, r.Next(&m), "the message is returned before the error")
	require.Equal(t, failed, r.Next(&m))
	require.Equal(t, failed, r.Next(&m), "the Reader reads the source again after an error")
}

// TestWriterHeaders checks that the Writer never sends an extended delta, nor a delta that a receiver could take for an absolute time.
func TestWriterHeaders(t *testing.T) {
	for _, test := range []struct {
		name   string
		first  Outgoing
		second Outgoing
		want   Format
		field  uint32
	}{
		{"the longest delta", Outgoing{Timestamp: 1}, Outgoing{Timestamp: extendedMark}, Format2, extendedMark - 1},
		{"an extended one", Outgoing{Timestamp: 1}, Outgoing{Timestamp: extendedMark + 1}, Format0, extendedMark},
		{"time runs backwards", Outgoing{Timestamp: 2}, Outgoing{Timestamp: 1}, Format0, 1},
		{"another message stream", Outgoing{}, Outgoing{StreamID: 1}, Format0, 0},
		{"another length", Outgoing{}, Outgoing{Body: []byte{1}}, Format1, 0},
		{"another type", Outgoing{}, Outgoing{Type: 1}, Format1, 0},
		{"a relative time", Outgoing{Timestamp: 5}, Outgoing{Timestamp: 7, Relative: true}, Format2, 7},
		{"no time passes", Outgoing{Timestamp: 0}, Outgoing{Timestamp: 0}, Format3, 0},
		{"no time passes later", Outgoing{Timestamp: 5}, Outgoing{Timestamp: 5}, Format2, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := NewWriter()
			test.first.ChunkStreamID, test.second.ChunkStreamID = 5, 5
			test.first.Format, test.second.Format = Format3, Format3
			_, err := w.AppendMessage(nil, &test.first)
			require.NoError(t, err)
			b, err := w.AppendMessage(nil, &test.second)
			require.NoError(t, err)
			assert.Equal(t, test.want, Format(b[0]>>6))
			if test.want < Format3 {
				assert.Equal(t, min(test.field, extendedMark), be24(b[1:]))
			}
			if test.want == Format0 && test.second.Timestamp >= extendedMark {
				assert.Equal(t, test.second.Timestamp, binary.BigEndian.Uint32(b[12:]))
			}
		})
	}
}

// TestAppendHeader checks that AppendHeader followed by AppendBody has the same result as AppendMessage.
func TestAppendHeader(t *testing.T) {
	whole, parts := NewWriter(), NewWriter()
	for n, format := range []Format{Format0, Format3, Format3, Format1, Format3} {
		o := Outgoing{Type: 9, ChunkStreamID: 6, StreamID: 1, Timestamp: uint32(n * extendedMark), Format: format, Body: make([]byte, 300)}
		want, err := whole.AppendMessage([]byte("before"), &o)
		require.NoError(t, err)
		got, h, err := parts.AppendHeader([]byte("before"), &o)
		require.NoError(t, err)
		require.Equal(t, want, h.AppendBody(got, o.Body, parts.ChunkSize()))
	}
	for _, bad := range []Outgoing{{ChunkStreamID: 1}, {ChunkStreamID: 6, Body: make([]byte, MaxMessageLength+1)}} {
		got, _, err := parts.AppendHeader([]byte("before"), &bad)
		var refused *Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "before", string(got))
	}
}
