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

// DefaultMaxSize is the largest player that is accepted unless Options.MaxSize says otherwise, in bytes: 64 MiB.
const DefaultMaxSize = 64 << 20

// ErrTooLarge is the cause when a player, as fetched or unpacked, is larger than the limit.
var ErrTooLarge = errors.New("larger than the limit")

// hashKey is a published constant: players use its 30 bytes for their handshake too.
const hashKey = "Genuine Adobe Flash Player 001"

const headerSize = 8

// header is what every SWF begins with, packed or not (SWF file format specification 19, chapter 2).
//
//	 0         3         4                   8
//	+---------+---------+-------------------+------------------------------------------------------+
//	| F|C|Z WS| version | unpacked size, LE | FWS: body    CWS: zlib(body)                         |
//	|         |         |                   | ZWS: packed size (4, LE), LZMA properties (5), data  |
//	+---------+---------+-------------------+------------------------------------------------------+
//
// The sizes are the file's own claims.
type header [headerSize]byte

func (h *header) claim() uint32 { return binary.LittleEndian.Uint32(h[4:]) }

// Sum reads a player from r and returns its hash, 32 bytes, and its size in bytes, both of the unpacked file: HMAC-SHA256 of
// header and body, the first letter of a packed file replaced by F. What follows the packed body is not part of it.
//
// Errors are [*Error]. Unlike librtmp, Sum refuses what is no SWF (an error page that came with status 200), a body whose
// check sum is wrong, a plain file shorter than its header says, and anything over [DefaultMaxSize].
func Sum(r io.Reader) (hash []byte, size uint32, err error) {
	return sum(context.Background(), r, DefaultMaxSize)
}

func sum(ctx context.Context, r io.Reader, limit uint32) ([]byte, uint32, error) {
	src := &bounded{ctx: ctx, r: r, left: int64(limit) + 1}
	hash, size, err := hashFile(ctx, src, limit)
	if err == nil {
		return hash, size, nil
	}
	// Decompressors wrap or replace the errors of what they read from: the source knows whose fault it was.
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

// hashFile unpacks and hashes; it never reads more than limit+1 unpacked bytes.
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
	// Bounded here too: a few bytes unpack to many, all without another look at the source.
	n, err := io.Copy(mac, &bounded{ctx: ctx, r: body, left: int64(limit) - headerSize + 1})
	if err != nil {
		return nil, 0, err
	}
	size := headerSize + n
	// A packed body has an end of its own. A plain one cut off by its server would be hashed wrong and cached for a month.
	if !packed && size < int64(h.claim()) {
		return nil, 0, &Error{Phase: PhaseUnpack, Detail: "cut off, bytes missing", Value: int64(h.claim()) - size, Err: io.ErrUnexpectedEOF}
	}
	return mac.Sum(nil), uint32(size), nil
}

// unpacker returns a reader of the body that follows h.
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

// lzmaReader gives the decoder the header it knows. A ZWS has none of its own and need not have an end marker either, so its
// end is where the SWF header says: that claim must be believed, within the limit.
//
//	LZMA: properties (1), dictionary size (4, LE), unpacked size (8, LE)
func lzmaReader(h *header, src io.Reader, limit uint32) (io.Reader, error) {
	if h.claim() > limit {
		return nil, ErrTooLarge
	}
	if h.claim() <= headerSize {
		return nil, &Error{Phase: PhaseUnpack, Detail: "unpacked size in the header leaves no body", Value: h.claim()}
	}
	var props [9]byte // packed size, which writers disagree about, and properties
	if _, err := io.ReadFull(src, props[:]); err != nil {
		return nil, noEOF(err)
	}
	var lz [lzma.HeaderLen]byte
	lz[0] = props[4]
	// No reference reaches further back than the file is long, and memory of this size is allocated at once.
	dictionary := min(binary.LittleEndian.Uint32(props[5:]), h.claim())
	binary.LittleEndian.PutUint32(lz[1:], dictionary)
	binary.LittleEndian.PutUint64(lz[5:], uint64(h.claim()-headerSize))
	// The decoder reads single bytes.
	return lzma.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(lz[:]), src)))
}

// bounded is a reader that ends with ctx or where there is more than left bytes, and remembers why.
type bounded struct {
	ctx  context.Context
	r    io.Reader
	left int64 // bytes that may still be read, at least 0: one more than the limit, so that a file of just the limit has its end
	err  error // the first error of r or ctx, but io.EOF
}

// Read returns ErrTooLarge when nothing is left.
func (b *bounded) Read(p []byte) (int, error) {
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
		return n, ErrTooLarge // even if the end comes with the last byte
	}
	return n, err
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
