package handshake

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// reader reads fixed numbers of bytes from r, and never more than buf holds.
type reader struct {
	r    io.Reader
	buf  []byte // room for everything that may be read
	n    int    // bytes read so far
	used int    // bytes handed out so far
}

// read returns the next size bytes of buf, reading from r if necessary.
func (in *reader) read(what string, size int) ([]byte, error) {
	n, err := io.ReadAtLeast(in.r, in.buf[in.n:], in.used+size-in.n) // ReadAtLeast does not read if min is 0 or negative.
	in.n += n
	if err != nil {
		return nil, &Error{
			Stage:  "read " + what,
			Detail: fmt.Sprintf("after %d of %d bytes", in.n-in.used, size),
			Value:  in.n - in.used,
			Err:    noEOF(err),
		}
	}
	b := in.buf[in.used : in.used+size]
	in.used += size
	return b, nil
}

func (in *reader) buffered(size int) bool { return in.n-in.used >= size }

func (in *reader) packet(what string) (*packet, error) {
	b, err := in.read(what, packetSize)
	if err != nil {
		return nil, err
	}
	return (*packet)(b), nil
}

// names are the words for an error about the peer's first byte.
type names struct{ packet, peer, verb string }

var (
	serverNames = names{"S0", "server", "answered"}
	clientNames = names{"C0", "client", "sent"}
)

// typeByte reads the peer's C0 or S0 before anything else: a peer that speaks another protocol sends too little for a
// handshake. It refuses encryption unless encrypted is set.
func (in *reader) typeByte(names names, encrypted bool) (byte, error) {
	b, err := in.read(names.packet, 1)
	if err != nil {
		return 0, err
	}
	stage := "read " + names.packet
	switch c := b[0]; {
	case encryptionOf(c) != EncryptionNone && !encrypted:
		detail := fmt.Sprintf("%s wants an encrypted connection (%v)", names.peer, encryptionOf(c))
		return 0, &Error{Stage: stage, Detail: detail, Value: c}
	case c >= ' ', c == tlsAlert, c == tlsHandshake:
		detail := fmt.Sprintf("peer %s %#02x%s: not an RTMP %s?", names.verb, c, quotePrintable(in.buf[:in.n]), names.peer)
		return 0, &Error{Stage: stage, Detail: detail, Value: c}
	default:
		return c, nil
	}
}

// The first byte of a TLS record (RFC 8446, section 5.1): a TLS server answers C0 with an alert, and a TLS client begins with a
// handshake message.
const (
	tlsAlert     = 21
	tlsHandshake = 22
)

func quotePrintable(b []byte) string {
	const most = 24
	b = b[:min(len(b), most)]
	if i := bytes.IndexFunc(b, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
		b = b[:i]
	}
	if len(b) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%q)", b)
}

// writeAll sends the parts in one write, for one segment on the network and one request of a tunnel.
func writeAll(w io.Writer, stage string, parts ...[]byte) error {
	memory := writeBuffers.Get().(*[]byte)
	defer writeBuffers.Put(memory)
	*memory = (*memory)[:0]
	for _, part := range parts {
		*memory = append(*memory, part...)
	}
	if _, err := w.Write(*memory); err != nil {
		return &Error{Stage: stage, Err: err}
	}
	return nil
}

var writeBuffers = sync.Pool{New: func() any { return new([]byte) }} // parts that are written together
