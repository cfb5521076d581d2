package capturefile

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBlocks(t *testing.T) {
	noise := make([]byte, 1000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for name, content := range map[string][]byte{"compressible": make([]byte, 1000), "not compressible": noise} {
		h := Header{Session: 7, Sequence: 3, First: 1500 * time.Microsecond, Last: time.Hour, Seekable: true}
		file := h.Pack([]byte("before"), content)[len("before"):]
		got, err := ParseHeader(file[:HeaderSize])
		require.NoError(t, err)
		assert.Equal(t, h, got, name)
		assert.Equal(t, len(file), HeaderSize+int(h.Packed))
		assert.Equal(t, name == "compressible", h.Packed < h.Size)
		again, err := got.Content([]byte("x"), file[HeaderSize:])
		require.NoError(t, err)
		assert.Equal(t, append([]byte("x"), content...), again, name)
		file[len(file)-1]++
		_, err = got.Content(nil, file[HeaderSize:])
		assert.Error(t, err, name)
		_, err = ParseHeader(file[:HeaderSize-1])
		assert.Equal(t, ErrNoBlock, err)
	}
}

func TestHeaderLimits(t *testing.T) {
	const last = time.Duration(1<<63-1) / time.Microsecond * time.Microsecond // the largest Duration in whole microseconds, which is less than maxTime
	for _, test := range []struct {
		header Header
		valid  bool
	}{
		{Header{Size: MaxBlock, Packed: MaxBlock}, true},
		{Header{Size: MaxBlock + 1}, false},
		{Header{Packed: MaxBlock + 1}, false},
		{Header{First: time.Second, Last: time.Second}, true},
		{Header{First: time.Second + time.Microsecond, Last: time.Second}, false},
		{Header{Last: maxTime * time.Microsecond}, true},
		{Header{Last: (maxTime + 1) * time.Microsecond}, false},
		{Header{Last: last}, false},
	} {
		got, err := ParseHeader(test.header.append(nil))
		if test.valid {
			require.NoError(t, err)
			assert.Equal(t, test.header, got)
		} else {
			assert.Equal(t, ErrNoBlock, err, "%+v", test.header)
		}
	}
}

func TestContents(t *testing.T) {
	seekable := &Header{Seekable: true, First: time.Second}
	for _, test := range []struct {
		name, content string // content is the states, followed by records
		states        [2]string
		records       []Record
		err           error
	}{
		{"states alone", "\x01a\x02bc", [2]string{"a", "bc"}, nil, io.EOF},
		{"a state cut", "\x01a\x02b", [2]string{}, nil, errRecord},
		{"no states", "", [2]string{}, nil, errRecord},
		{"records", "\x00\x00" + "\x01\x05\x02ab" + "\x02\x00\x00", [2]string{}, []Record{
			{KindClient, time.Second + 5*time.Microsecond, []byte("ab")}, {KindServer, time.Second + 5*time.Microsecond, []byte{}}}, io.EOF},
		{"data cut", "\x00\x00" + "\x01\x05\x02a", [2]string{}, nil, errRecord},
		{"kind alone", "\x00\x00" + "\x01", [2]string{}, nil, errRecord},
		{"no size", "\x00\x00" + "\x01\x05", [2]string{}, nil, errRecord},
		{"number without end", "\x00\x00" + "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", [2]string{}, nil, errRecord},
		{"the latest time", "\x00\x00" + "\x01\x80\x80\x80\x80\x80\x80\x80\x10\x00", [2]string{}, []Record{{KindClient, time.Second + maxTime*time.Microsecond, []byte{}}}, io.EOF},
		{"too late", "\x00\x00" + "\x01\x81\x80\x80\x80\x80\x80\x80\x10\x00", [2]string{}, nil, errRecord},
	} {
		t.Run(test.name, func(t *testing.T) {
			content := []byte(test.content)
			c, err := ParseContent(seekable, content[:len(content):len(content)])
			var records []Record
			if err == nil {
				assert.Equal(t, test.states, [2]string{string(c.States[0]), string(c.States[1])})
				var r Record
				for r, err = c.Next(); err == nil; r, err = c.Next() {
					records = append(records, r)
				}
			}
			assert.Equal(t, test.err, err)
			assert.Equal(t, test.records, records)
		})
	}
	c, err := ParseContent(&Header{}, []byte("\x01\x00\x01a"))
	require.NoError(t, err)
	r, err := c.Next()
	require.NoError(t, err)
	assert.Equal(t, Record{KindClient, 0, []byte("a")}, r, "a block without states begins with a record")
}

func TestInfo(t *testing.T) {
	began := time.Date(2026, 11, 27, 3, 0, 0, 123, time.UTC)
	for _, want := range []Info{
		{},
		{Role: RoleObserver, Transport: "rtmps", Server: "host:1935", Client: "[::1]:5", Began: began,
			Handshake: Handshake{Type: 6, Version: [4]byte{1, 2, 3, 255}, Digest: true, ReplyValid: true}},
		{Handshake: Handshake{Digest: true}},
		{Handshake: Handshake{ReplyValid: true}},
	} {
		assert.Equal(t, want, ParseInfo(want.append(nil)))
	}
	end := End{Reason: "the\nend\x7f of it", ClosedBy: FromServer, Replaced: []string{"a: 1", "b: 2"}, Kept: []string{"c"}, Missing: []string{"d"}}
	b := end.append(nil)
	end.Reason = "the end  of it"
	assert.Equal(t, end, ParseEnd(b))
	assert.Equal(t, End{}, ParseEnd([]byte("closed-by: nobody\nunknown: x\nreason\n")))
	assert.False(t, bytes.Contains(new(End).append(nil), []byte("closed-by")))
	assert.Equal(t, "direction 3", Direction(3).String())
}
