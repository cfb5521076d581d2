package swf

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/zlib"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// DefaultMaxSize is the limit for the size of a player if Options.MaxSize is 0, in bytes: 64 MiB.
const DefaultMaxSize = 64 << 20

// ErrTooLarge is the cause of an error if a player, packed or unpacked, exceeds the limit.
var ErrTooLarge = errors.New("larger than the limit")

// hashKey is a published constant of 30 bytes, which players also use in the handshake.
const hashKey = "Genuine Adobe Flash Player 001"

const headerSize = 8

// header is the beginning of every SWF, packed or not (SWF file format specification 19, chapter 2).
//
//	 0         3         4                   8
//	+---------+---------+-------------------+------------------------------------------------------+
//	| F|C|Z WS| version | unpacked size, LE | FWS: body    CWS: zlib(body)                         |
//	|         |         |                   | ZWS: packed size (4, LE), LZMA properties (5), data  |
//	+---------+---------+-------------------+------------------------------------------------------+
//
// The sizes may be wrong.
type header [headerSize]byte

func (h *header) unpackedSize() uint32 { return binary.LittleEndian.Uint32(h[4:]) }

// Sum reads a player from r and returns its hash, 32 bytes, and its size in bytes, both of the unpacked file. The hash is the
// HMAC-SHA256 of header and body, with the first letter of a packed file replaced by F. Bytes after a packed body do not count.
//
// Errors are of type [*Error]. Unlike librtmp, Sum refuses a file that is not a SWF, such as an error page with status 200, a body with a
// wrong checksum, a file shorter than its header says, and anything larger than [DefaultMaxSize].
func Sum(r io.Reader) (hash []byte, size uint32, err error) {
	return sum(context.Background(), r, DefaultMaxSize)
}

func sum(ctx context.Context, r io.Reader, limit uint32) ([]byte, uint32, error) {
	src := &limitedReader{ctx: ctx, r: r, left: int64(limit) + 1}
	hash, size, err := hashFile(ctx, src, limit)
	if err == nil {
		return hash, size, nil
	}
	// Decompressors hide the errors of their source.
	if cause := cmp.Or(src.err, ctx.Err()); cause != nil {
		return nil, 0, &Error{Phase: PhaseFetch, Err: cause}
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return nil, 0, e
	}
	if errors.Is(err, ErrTooLarge) {
		return nil, 0, &Error{Phase: PhaseUnpack, Detail: "limit in bytes", Value: limit, Err: ErrTooLarge}
	}
	return nil, 0, &Error{Phase: PhaseUnpack, Detail: "damaged or cut off", Err: err}
}

// hashFile reads at most limit+1 unpacked bytes.
func hashFile(ctx context.Context, src io.Reader, limit uint32) ([]byte, uint32, error) {
	var h header
	if n, err := io.ReadFull(src, h[:]); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, 0, &Error{Phase: PhaseUnpack, Detail: "shorter than a SWF header, bytes", Value: n, Err: io.ErrUnexpectedEOF}
		}
		return nil, 0, err
	}
	body, err := unpacker(&h, src, limit)
	if err != nil {
		return nil, 0, err
	}
	packed := h[0] != 'F'
	h[0] = 'F'
	mac := hmac.New(sha256.New, []byte(hashKey))
	mac.Write(h[:])
	// A few packed bytes can expand to many without another read of the source.
	n, err := io.Copy(mac, &limitedReader{ctx: ctx, r: body, left: int64(limit) - headerSize + 1})
	if err != nil {
		return nil, 0, err
	}
	size := headerSize + n
	// Only this check finds a plain body that the server has cut short. Its wrong hash would be cached for a month.
	if !packed && size < int64(h.unpackedSize()) {
		return nil, 0, &Error{Phase: PhaseUnpack, Detail: "cut off, bytes missing", Value: int64(h.unpackedSize()) - size, Err: io.ErrUnexpectedEOF}
	}
	return mac.Sum(nil), uint32(size), nil
}

func unpacker(h *header, src io.Reader, limit uint32) (io.Reader, error) {
	switch string(h[:3]) {
	case "FWS":
		return src, nil
	case "CWS":
		return zlib.NewReader(src)
	case "ZWS":
		return lzmaReader(h, src, limit)
	}
	return nil, &Error{Phase: PhaseUnpack, Detail: "not a SWF, it begins with", Value: hexOf(h[:3])}
}

// lzmaReader gives the decoder the header that it expects and a ZWS lacks. A ZWS need not have an end marker, so the body ends
// at the size in the SWF header, within the limit.
//
//	LZMA: properties (1), dictionary size (4, LE), unpacked size (8, LE)
func lzmaReader(h *header, src io.Reader, limit uint32) (io.Reader, error) {
	if h.unpackedSize() > limit {
		return nil, ErrTooLarge
	}
	if h.unpackedSize() <= headerSize {
		return nil, &Error{Phase: PhaseUnpack, Detail: "unpacked size in the header leaves no body", Value: h.unpackedSize()}
	}
	var props [9]byte // the packed size, on which writers disagree, and the properties
	if _, err := io.ReadFull(src, props[:]); err != nil {
		return nil, noEOF(err)
	}
	var lz [lzma.HeaderLen]byte
	lz[0] = props[4]
	// The decoder allocates the whole dictionary at once.
	dictionary := min(binary.LittleEndian.Uint32(props[5:]), h.unpackedSize())
	binary.LittleEndian.PutUint32(lz[1:], dictionary)
	binary.LittleEndian.PutUint64(lz[5:], uint64(h.unpackedSize()-headerSize))
	// The decoder reads single bytes.
	return lzma.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(lz[:]), src)))
}

// limitedReader stops when ctx is done or when more than left bytes are read, and stores the reason in err.
type limitedReader struct {
	ctx  context.Context
	r    io.Reader
	left int64 // bytes that may still be read: initially one more than the limit, so that a file of exactly the limit can end
	err  error // the first error of r or ctx other than io.EOF
}

func (b *limitedReader) Read(p []byte) (int, error) {
	if b.err == nil {
		b.err = b.ctx.Err()
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	if b.left <= 0 && b.err == nil {
		return n, ErrTooLarge // the limit is exceeded, even if r has also returned io.EOF
	}
	return n, err
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
