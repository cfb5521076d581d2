package swf

import (
	"bytes"
	"context"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzSum checks that Sum returns an *Error or a size within the limit, whatever the input and however its bytes arrive, and that packing a
// file does not change its hash.
func FuzzSum(f *testing.F) {
	f.Add(plainPlayer())
	f.Add(testdata(f, "player.cws"))
	f.Add(testdata(f, "player.zws"))
	f.Add(packZWS(f, playerSize, testBody(1000)))
	f.Add(packCWS(f, 8, nil))
	f.Add(packCWS(f, 1<<20, make([]byte, 1<<20)))
	f.Add([]byte("ZWS\x0d\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff"))
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, file []byte) {
		const limit = 1 << 18
		hash, size, err := sum(context.Background(), bytes.NewReader(file), limit)
		again, sizeAgain, errAgain := sum(context.Background(), iotest.HalfReader(bytes.NewReader(file)), limit)
		assert.Equal(t, hash, again)
		assert.Equal(t, size, sizeAgain)
		if err != nil {
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, PhaseUnpack, e.Phase)
			assert.EqualError(t, errAgain, err.Error())
			return
		}
		assert.Len(t, hash, 32)
		assert.GreaterOrEqual(t, size, uint32(headerSize))
		assert.LessOrEqual(t, size, uint32(limit))
		if file[0] == 'F' {
			packed := append([]byte("C"), packCWS(t, 0, file[headerSize:])[1:]...)
			copy(packed[1:], file[1:headerSize])
			unpacked, _, err := sum(context.Background(), bytes.NewReader(packed), 2*limit)
			require.NoError(t, err)
			assert.Equal(t, hash, unpacked)
		}
	})
}

// FuzzCacheFile checks that splitting any cache file loses nothing, that a stored record is found again, and that the others remain.
func FuzzCacheFile(f *testing.F) {
	golden := testdata(f, "rtmpdump.swfinfo")
	f.Add(golden, goldenURL)
	f.Add(bytes.ReplaceAll(golden, []byte("\n"), []byte("\r\n")), goldenNoDateURL)
	f.Add(golden[:300], "http://h/p.swf")
	f.Add([]byte("url: http://h/p.swf\nurl: http://h/p.swf\n"), "http://h/p.swf")
	f.Add([]byte("no record"), "http://h/ends in a space ")
	f.Add([]byte{}, "u")
	f.Fuzz(func(t *testing.T, file []byte, url string) {
		if url == "" || bytes.ContainsAny([]byte(url), "\r\n") {
			t.Skip("not a name that publicName returns")
		}
		assert.Equal(t, string(file), string(bytes.Join(splitRecords(file), nil)))
		if found := findRecord(file, url); found != (record{}) {
			assert.Equal(t, url, found.url)
		}
		r := goldenRecord(t, url)
		after := replaceRecord(file, r)
		assert.Equal(t, r, findRecord(after, url))
		assert.Equal(t, string(after), string(replaceRecord(after, r)), "storing it again changes nothing")
		for _, block := range splitRecords(file) {
			if other := blockURL(block); other != "" && other != url {
				assert.Equal(t, findRecord(file, other), findRecord(after, other))
				assert.Contains(t, string(after), string(block))
			}
		}
	})
}
