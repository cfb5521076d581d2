package swf

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz/lzma"
)

// The hashes that rtmpdump 2.4 wrote to its cache for these files (testdata/rtmpdump.swfinfo). For ZWS, which rtmpdump does not support,
// Python's hmac and lzma computed the hash and packed the body.
const (
	playerHash    = "4621bb05a711524c6905b46e26523d8ebe1f19359a51799bfd37d5c80a78052c"
	playerSize    = 1008
	zwsPlayerHash = "d5cb4f1e16dc465e8973779d338855634335f8426df704aeba3d46382a292ceb"
)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return data
}

func headerOf(signature string, version byte, claim uint32) []byte {
	return binary.LittleEndian.AppendUint32(append([]byte(signature), version), claim)
}

func testBody(n int) []byte {
	body := make([]byte, n)
	for i := range body {
		body[i] = byte(i)
	}
	return body
}

func plainPlayer() []byte { return append(headerOf("FWS", 10, playerSize), testBody(1000)...) }

func packCWS(t testing.TB, claim uint32, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	b.Write(headerOf("CWS", 10, claim))
	w := zlib.NewWriter(&b)
	_, err := w.Write(body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// packZWS packs a player without an end marker, as some tools do. testdata/player.zws has an end marker.
func packZWS(t testing.TB, claim uint32, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := lzma.WriterConfig{Size: int64(len(body)), SizeInHeader: true}.NewWriter(&b)
	require.NoError(t, err)
	_, err = w.Write(body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	packed := b.Bytes()
	out := binary.LittleEndian.AppendUint32(headerOf("ZWS", 13, claim), uint32(len(packed)-lzma.HeaderLen))
	return append(append(out, packed[:5]...), packed[lzma.HeaderLen:]...)
}

func TestSum(t *testing.T) {
	garbage := []byte("bytes after the packed body")
	for name, test := range map[string]struct {
		file []byte
		hash string
	}{
		"FWS":                                 {plainPlayer(), playerHash},
		"CWS":                                 {testdata(t, "player.cws"), playerHash},
		"CWS and more":                        {append(testdata(t, "player.cws"), garbage...), playerHash},
		"CWS, packed here":                    {packCWS(t, playerSize, testBody(1000)), playerHash},
		"ZWS with an end marker":              {testdata(t, "player.zws"), zwsPlayerHash},
		"ZWS without an end marker":           {packZWS(t, playerSize, testBody(1000)), zwsPlayerHash},
		"ZWS without an end marker, and more": {append(packZWS(t, playerSize, testBody(1000)), garbage...), zwsPlayerHash},
		"ZWS with a huge dictionary":          {withDictionary(testdata(t, "player.zws"), 0xFFFFFFFF), zwsPlayerHash},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []io.Reader{
				bytes.NewReader(test.file), iotest.OneByteReader(bytes.NewReader(test.file)), iotest.DataErrReader(bytes.NewReader(test.file)),
			} {
				hash, size, err := Sum(r)
				require.NoError(t, err)
				assert.Equal(t, test.hash, hex.EncodeToString(hash))
				assert.EqualValues(t, playerSize, size)
			}
		})
	}
}

func withDictionary(zws []byte, size uint32) []byte {
	binary.LittleEndian.PutUint32(zws[13:], size)
	return zws
}

// TestClaimedSize checks that a plain file is hashed completely, as in librtmp, if it is longer than its header says, and that the size in
// the header of a packed file is ignored.
func TestClaimedSize(t *testing.T) {
	body := testBody(1000)
	for name, test := range map[string]struct {
		file []byte
		size uint32
	}{
		"FWS, claim too small": {append(headerOf("FWS", 10, 8), body...), 1008},
		"CWS, claim too small": {packCWS(t, 8, body), 1008},
		"CWS, claim too large": {packCWS(t, 0xFFFFFFFF, body), 1008},
		"FWS, header only":     {headerOf("FWS", 10, 8), 8},
	} {
		t.Run(name, func(t *testing.T) {
			_, size, err := Sum(bytes.NewReader(test.file))
			require.NoError(t, err)
			assert.Equal(t, test.size, size)
		})
	}
}

func TestSumRefuses(t *testing.T) {
	cws, zws := testdata(t, "player.cws"), testdata(t, "player.zws")
	badSum := bytes.Clone(cws)
	badSum[len(badSum)-1] ^= 1
	badProperties := bytes.Clone(zws)
	badProperties[12] = 0xFF
	for name, test := range map[string]struct {
		file  []byte
		cause error // nil if the cause does not matter
		text  string
	}{
		"nothing":                   {nil, io.ErrUnexpectedEOF, "shorter than a SWF header, bytes: 0"},
		"half a header":             {cws[:7], io.ErrUnexpectedEOF, "shorter than a SWF header, bytes: 7"},
		"an error page":             {[]byte("<html>log in first</html>"), nil, "not a SWF, it begins with: 3c6874"},
		"another letter":            {append([]byte("XWS"), cws[3:]...), nil, "not a SWF"},
		"FWS cut off":               {plainPlayer()[:1007], io.ErrUnexpectedEOF, "cut off, bytes missing: 1"},
		"CWS: header only":          {cws[:8], io.ErrUnexpectedEOF, "damaged or cut off"},
		"CWS cut off":               {cws[:100], io.ErrUnexpectedEOF, "damaged or cut off"},
		"CWS cut off in its sum":    {cws[:len(cws)-1], io.ErrUnexpectedEOF, "damaged or cut off"},
		"CWS: not zlib":             {append(headerOf("CWS", 10, 1008), testBody(50)...), zlib.ErrHeader, "damaged"},
		"CWS: wrong sum":            {badSum, zlib.ErrChecksum, "damaged"},
		"ZWS: header only":          {zws[:8], io.ErrUnexpectedEOF, "damaged or cut off"},
		"ZWS cut off in properties": {zws[:16], io.ErrUnexpectedEOF, "damaged or cut off"},
		"ZWS cut off before data":   {zws[:17], nil, "damaged or cut off"},
		"ZWS cut off":               {zws[:len(zws)/2], io.ErrUnexpectedEOF, "damaged or cut off"},
		"ZWS: bad properties":       {badProperties, nil, "damaged or cut off"},
		"ZWS: claim too small":      {packZWS(t, 500, testBody(1000)), nil, "damaged or cut off"},
		"ZWS: claim too large":      {packZWS(t, 5000, testBody(1000)), nil, "damaged or cut off"},
		"ZWS: claim of no body":     {packZWS(t, 8, testBody(1000)), nil, "leaves no body: 8"},
		"ZWS: claim over the limit": {packZWS(t, DefaultMaxSize+1, testBody(1000)), ErrTooLarge, "limit in bytes: 67108864"},
	} {
		t.Run(name, func(t *testing.T) {
			hash, size, err := Sum(bytes.NewReader(test.file))
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, PhaseUnpack, e.Phase)
			assert.ErrorContains(t, err, test.text)
			if test.cause != nil {
				assert.ErrorIs(t, err, test.cause)
			}
			assert.Nil(t, hash)
			assert.Zero(t, size)
		})
	}
}

func TestLimit(t *testing.T) {
	for name, file := range map[string][]byte{
		"FWS": plainPlayer(), "CWS": testdata(t, "player.cws"), "ZWS": testdata(t, "player.zws"),
	} {
		t.Run(name, func(t *testing.T) {
			_, size, err := sum(context.Background(), bytes.NewReader(file), playerSize)
			require.NoError(t, err)
			assert.EqualValues(t, playerSize, size)
			for _, limit := range []uint32{1, 7, 8, playerSize - 1} {
				_, _, err = sum(context.Background(), bytes.NewReader(file), limit)
				assert.ErrorIs(t, err, ErrTooLarge, "limit %d", limit)
			}
		})
	}
}

// TestBomb unpacks a million bytes from a thousand. Both the limit and the context must end the unpacking.
func TestBomb(t *testing.T) {
	bomb := packCWS(t, playerSize, make([]byte, 1_000_000))
	_, _, err := sum(context.Background(), bytes.NewReader(bomb), 500_000)
	require.ErrorIs(t, err, ErrTooLarge)

	ctx, cancel := context.WithCancel(t.Context())
	r := &cancelling{r: bytes.NewReader(bomb), after: len(bomb), cancel: cancel}
	_, _, err = sum(ctx, r, DefaultMaxSize)
	require.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, r.after)
}

type cancelling struct {
	r      io.Reader
	after  int
	cancel func()
}

func (c *cancelling) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.after -= n; c.after == 0 {
		c.cancel()
	}
	return n, err
}

// endless is a zlib stream of empty blocks. It never ends and never produces a byte.
type endless struct {
	head []byte
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.head) > 0 {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	emptyBlock := []byte{0, 0, 0, 0xFF, 0xFF}
	for i := range p {
		p[i] = emptyBlock[e.read%len(emptyBlock)]
		e.read++
	}
	return len(p), nil
}

func TestPackedSizeIsBounded(t *testing.T) {
	r := &endless{head: append(headerOf("CWS", 10, 1008), 0x78, 0x9C)}
	_, _, err := sum(context.Background(), r, 100_000)
	require.ErrorIs(t, err, ErrTooLarge)
	assert.LessOrEqual(t, r.read, 100_001)
}

// TestReaderFails checks that an error of the reader is reported with PhaseFetch, even if the decompressor replaces it.
func TestReaderFails(t *testing.T) {
	broken := errors.New("cable pulled")
	for name, file := range map[string][]byte{
		"in the header": plainPlayer()[:3], "FWS": plainPlayer()[:100],
		"CWS": testdata(t, "player.cws")[:100], "ZWS": testdata(t, "player.zws")[:100],
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Sum(io.MultiReader(bytes.NewReader(file), iotest.ErrReader(broken)))
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, PhaseFetch, e.Phase)
			assert.ErrorIs(t, err, broken)
		})
	}
}

func gzipBytes(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}
